// The table of runs, newest first or sorted by any column: double-click or Return shows one again, its menu also beside
// the one on show, and lets a person name it.
#pragma once

#include <QSortFilterProxyModel>
#include <QTableView>

#include "ui/model/run_history.h"

namespace spanscope {

class RunListView : public QTableView {
    Q_OBJECT
  public:
    RunListView(RunHistory* history, QWidget* parent);

  signals:
    void chosen(const HistoryEntry& entry);
    void chosenBeside(const HistoryEntry& entry);
    void labelWanted(int row);  ///< of the history

  private:
    QAction* addRowAction(const QString& text, const QString& tip, const std::function<void(int row)>& run);
    int rowAt(const QModelIndex& index) const { return m_sorted.mapToSource(index).row(); }
    RunHistory* m_history;
    QSortFilterProxyModel m_sorted;
};

}  // namespace spanscope
