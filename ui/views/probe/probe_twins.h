// The plots of inspect mode as tables. What they show outlives them; rebuild() when it changes. GUI thread.
#pragma once

#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "ui/model/figure_table.h"

namespace spanscope {

/// A row for each step: how far dense and declared are apart.
class DivergenceTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Step, Token, Nats, Choice, kColumns };
    DivergenceTable(const RunData& run, const DivergenceCurve& curve, QObject* parent = nullptr);

  protected:
    int nRows() const override { return int(m_curve.klNats.size()); }
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;
    IndexRange steps(int row) const override { return {row, row}; }
    int rowOfStep(int step) const override { return step; }

  private:
    const RunData& m_run;
    const DivergenceCurve& m_curve;
};

/// A row for each head: the share of dense attention mass that the span kept.
class HeadsTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Layer, Head, Kept, KeptWithoutFirst, kColumns };
    explicit HeadsTable(const StepProbe& probe, QObject* parent = nullptr);

  protected:
    int nRows() const override;
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;

  private:
    const StepProbe& m_probe;
};

/// A row for each context position: attention of the step, dense and declared.
class AttentionTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Position, Token, SegmentName, Dense, Declared, InSpan, kColumns };
    AttentionTable(const RunData& run, const StepProbe& probe, QObject* parent = nullptr);

  protected:
    int nRows() const override { return int(m_probe.dense.size()); }
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;

  private:
    bool inSpan(int position) const;
    const RunData& m_run;
    const StepProbe& m_probe;
};

}  // namespace spanscope
