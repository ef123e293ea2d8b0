// A tab for each run that was looked at, newest last: number, mode or name, and how it ended; at the end one for the
// run that is going on. Runs that no file has never lose theirs by themselves. GUI thread.
#pragma once

#include <QTabBar>

#include "ui/window/workspace.h"

namespace spanscope {

class RunTabs : public QTabBar {
    Q_OBJECT
  public:
    RunTabs(Workspace* workspace, QWidget* parent);

    /// The tab of the run comes to the front, a new one if it has none.
    void showRun(const HistoryEntry& entry);
    /// Tabs for runs, in this order and before any others; what is in front stays there.
    void bringBack(const QVector<HistoryEntry>& entries);
    /// In the order of the tabs.
    QVector<SharedRun> runs() const { return m_runs; }
    SharedRun front() const;  ///< null where none is

  public slots:
    void closeCurrent();
    void close(int index);  ///< the run stays in the history

  signals:
    void chosen(const HistoryEntry& entry);  ///< by its tab, or because the one in front was closed
    void closedLast();

  private:
    int insert(const HistoryEntry& entry);
    void drop(int index);
    void dropLost();
    void makeRoom();
    void followWorkspace();
    void rename();
    bool hasRunning() const { return count() > m_runs.size(); }

    Workspace* m_workspace;
    QVector<SharedRun> m_runs;  ///< of the tabs, but for the one of the run that is going on
    SharedRun m_before;         ///< in front before a run began
};

}  // namespace spanscope
