// The mask in words: of each step what it attends to, as sentences and as a table. Values; the table GUI thread.
#pragma once

#include <QString>

#include "engine/types/records.h"
#include "ui/model/figure_table.h"

namespace spanscope {

struct MaskDiff;

/// "0 to 5, 9, 12 to 14", as far as `position`; of more than `most` intervals the first and how many are left. Null or
/// empty: "nothing".
QString intervalWords(const SharedIntervals& list, int position, int most = 8);
/// Segments that a step attends to: "scaffold, in 3, part of out 1, itself"; "everything before it" where that is so;
/// of more than eight the first. step: of the run.
QString readWords(const RunData& run, int step);
/// What the mask shows: its size, the share that is attended, and of `step` (-1: none) what it attends to.
QString maskWords(const RunData& run, int step);

/// A row for each step: token, segment, phase, what it attends to.
class MaskTable : public StepTable {
    Q_OBJECT
  public:
    enum Column { Step, Position, Token, SegmentName, PhaseName, Reads, Positions, Attended, Loaded, Causal, kColumns };
    explicit MaskTable(RunStore* store, QObject* parent = nullptr);

  protected:
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;
};

/// A row for each step of two runs: how many tokens both attended to, only the one, only the other.
class MaskDiffTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Step, Token, Both, OnlyFirst, OnlySecond, WhereFirst, WhereSecond, kColumns };
    /// Both outlive this; rebuild() when they show something else. The run is the first of the two.
    MaskDiffTable(const RunData& run, const MaskDiff& diff, QObject* parent = nullptr);
    void setNames(const QString& first, const QString& second);

  protected:
    int nRows() const override;
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;
    IndexRange steps(int row) const override { return {row, row}; }
    int rowOfStep(int step) const override { return step < nRows() ? step : -1; }

  private:
    const RunData& m_run;
    const MaskDiff& m_diff;
};

}  // namespace spanscope
