// The dependency graph as a table and in sentences: of each segment what it uses and what uses it. GUI thread.
#pragma once

#include "engine/types/records.h"
#include "ui/model/figure_table.h"

namespace spanscope {

/// A row for each segment of prompt and response; the graph itself leaves out what it has no room for.
class GraphTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Name, Uses, UsedBy, Says, Tokens, kColumns };
    explicit GraphTable(RunStore* store, QObject* parent = nullptr);

    /// "out 3 uses in 3, out 1; used by out 5."
    QString words(int segment) const;

  protected:
    int nRows() const override;
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;
    IndexRange steps(int row) const override;
    int rowOfStep(int step) const override;

  private:
    void takeReferences();
    void renew();
    QString name(int segment) const;
    QString uses(int segment) const;
    QString usedBy(int segment) const;

    RunStore* m_store;
    std::vector<std::vector<int>> m_usedBy;  ///< (segments) those that name it
    std::vector<size_t> m_taken;             ///< (segments) so many of its references are in m_usedBy
    size_t m_settled = 0;                    ///< segments before this one get no more references
};

}  // namespace spanscope
