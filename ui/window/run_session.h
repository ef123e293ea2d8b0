// The runs of a window from start to start: each that ends is kept, those of the last time come back, with their names
// and notes; what nobody keeps is asked about before the window closes. Reading and writing are somebody else's, asked
// by signal. GUI thread.
#pragma once

#include <QHash>
#include <QSet>

#include "ui/window/workspace.h"

namespace spanscope {

class Banner;
class RunController;
class RunTabs;

class RunSession : public QObject {
    Q_OBJECT
  public:
    /// hasPlace: there is somewhere to keep runs; else nothing is kept, and nothing asked.
    RunSession(Workspace* workspace, RunController* runs, RunTabs* tabs, Banner* banner, bool hasPlace,
               QWidget* window);

    bool hasPlace() const { return m_hasPlace; }
    bool keeps() const { return m_hasPlace && m_keeps; }  ///< as the person wants it
    void setKeeps(bool on);
    void restore();  ///< once the window is there
    /// Forgets all that is kept; runs of this window stay in it. Asks.
    void clear();
    /// Name and notes of a run of the history. Asks.
    void editLabel(int row);
    /// False: a person would rather stay than lose runs, or a run has to end first; it closes the window then.
    bool mayClose();
    void rememberTabs();
    /// A run that was recovered from a recording: kept as one of this window's.
    void adopt(const HistoryEntry& entry);

  public slots:
    void onRestored(const spanscope::KeptRun& run);
    void onRestoreEnded();
    void onKept(const QString& file);
    void onNotKept(const QString& file, const spanscope::ErrorInfo& error);

  signals:
    void restoreRequested();
    void keepRequested(const spanscope::KeptRun& run);
    void clearRequested();
    void showWanted(const HistoryEntry& entry);  ///< what was on show the last time; nothing is now
    void adopted(const HistoryEntry& entry);     ///< it is on the disk now

  private:
    void onFinished(const HistoryEntry& entry);
    void onLabelled(int row);
    void keep(const HistoryEntry& entry);

    Workspace* m_workspace;
    RunController* m_runs;
    RunTabs* m_tabs;
    Banner* m_banner;
    QWidget* m_window;
    bool m_hasPlace, m_keeps = true;
    bool m_closing = false, m_mayClose = false;
    QHash<QString, SharedRun> m_writing;  ///< by file
    QSet<const RunData*> m_adopted;
    QStringList m_lastTabs;  ///< files, as the last window left them
    QString m_lastFront;
    QStringList m_knownTabs;       ///< of the settings, as this window read or wrote them; the front one last
    QVector<HistoryEntry> m_back;  ///< that had tabs
    int m_nFiles = 0;
};

}  // namespace spanscope
