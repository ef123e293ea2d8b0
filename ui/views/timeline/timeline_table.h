// The timeline as a table: of each step when it began and ended, of the run beside it too. GUI thread.
#pragma once

#include "ui/model/figure_table.h"
#include "ui/views/timeline/timeline_clock.h"

namespace spanscope {

class TimelineTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Step, Token, SegmentName, PhaseName, Begins, Ends, Takes, OtherEnds, kColumns };
    /// times: of the stores' runs, up to date before the stores' signals reach this; they outlive it. maybeDense: null
    /// where there is no other lane.
    TimelineTable(RunStore* store, const StepTimes& times, RunStore* maybeDense, const StepTimes& denseTimes,
                  QObject* parent = nullptr);

  protected:
    int nRows() const override;
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;
    IndexRange steps(int row) const override;
    int rowOfStep(int step) const override { return step; }

  private:
    RunStore *m_store, *m_dense;
    const StepTimes &m_times, &m_denseTimes;
};

}  // namespace spanscope
