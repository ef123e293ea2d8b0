// Reach as a table: of each context position whether and through how many tokens it could act on the step. GUI thread.
#pragma once

#include "engine/types/reach.h"
#include "ui/model/figure_table.h"

namespace spanscope {

/// "read directly", "through one token in between", "never reaches the step". between: as Reach has it.
QString betweenWords(int between);

class ReachTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Position, Token, SegmentName, How, kColumns };
    /// Both outlive this; rebuild() when they change.
    ReachTable(const RunData& run, const Reach& reach, QObject* parent = nullptr);

  protected:
    int nRows() const override { return m_reach.position + 1; }
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;

  private:
    const RunData& m_run;
    const Reach& m_reach;
};

}  // namespace spanscope
