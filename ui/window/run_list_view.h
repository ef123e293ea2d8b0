// The table of runs, newest first: double-click or Return shows one again, its menu also beside the one on show.
#pragma once

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

  private:
    QAction* addEntryAction(const QString& text, void (RunListView::*signal)(const HistoryEntry&));
    RunHistory* m_history;
};

}  // namespace spanscope
