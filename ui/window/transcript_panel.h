// The transcript and what stands around it: tabs of runs, the head with title and answer, the bar to find text in, and
// a second transcript beside the first. GUI thread.
#pragma once

#include <QWidget>

#include "engine/reading/plain_reading.h"
#include "ui/model/run_comparison.h"
#include "ui/window/run_tabs.h"
#include "ui/window/workspace.h"

class QLabel;

namespace spanscope {

class FindBar;
class TranscriptView;
class WindowActions;

class TranscriptPanel : public QWidget {
    Q_OBJECT
  public:
    /// The bar's buttons are the actions findPrevious, findNext and closeFind.
    TranscriptPanel(Workspace* workspace, const WindowActions& actions, QWidget* parent);

    TranscriptView* transcript() const { return m_transcript; }
    RunTabs* tabs() const { return m_tabs; }
    void setSideBySide(bool on);
    /// Both transcripts in plain words, or as the model wrote.
    void setReading(Reading reading);
    /// Lays out the working of the selected step's line, or of the first that has one; folds it again.
    void toggleWorking();

    /// The tab of `entry` comes to the front, a new one if it has none. Runs that the history has let go lose theirs.
    void showTab(const HistoryEntry& entry);
    /// Of each, the first in front.
    void addTabs(const QVector<HistoryEntry>& entries);

    void openFind();
    void closeFind();
    void findNext(int direction);

  signals:
    void chosen(const HistoryEntry& entry);  ///< by its tab, or because the one in front was closed

  protected:
    void changeEvent(QEvent* event) override;

  private:
    QWidget* makeHead(const WindowActions& actions);
    QWidget* makeFindBar(const WindowActions& actions);
    TranscriptView* makeLane(RunStore* store, Selection* selection, QWidget* parent, QLabel*& name);
    void followScroll(RunComparison::Side from);
    void refresh();      ///< follows the workspace
    void updateHead();   ///< title, answer, remarks
    void updateLanes();  ///< what the two are called
    void setPlaceholder();

    Workspace* m_workspace;
    RunTabs* m_tabs = nullptr;
    QLabel *m_title = nullptr, *m_answer = nullptr, *m_remarks = nullptr;
    FindBar* m_find = nullptr;
    TranscriptView *m_transcript = nullptr, *m_other = nullptr;  ///< of the run on show, of the one beside it
    bool m_scrolling = false;                                    ///< one because of the other
    QLabel *m_laneTitle = nullptr, *m_otherTitle = nullptr;      ///< while they are side by side
};

}  // namespace spanscope
