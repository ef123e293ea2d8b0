// A prediction as a table: of each context what a step reads and how long it takes, and what was measured. GUI thread.
#pragma once

#include "engine/types/step_cost.h"
#include "ui/model/figure_table.h"

namespace spanscope {

class WhatIfTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Context, Attention, Kind, Loaded, Weights, Kv, Fixed, Step, Rate, kColumns };
    /// rows outlive this; rebuild() when they change.
    WhatIfTable(const std::vector<CostRow>& rows, QObject* parent = nullptr);

  protected:
    int nRows() const override { return int(m_rows.size()); }
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;

  private:
    const std::vector<CostRow>& m_rows;
};

}  // namespace spanscope
