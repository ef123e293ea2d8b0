// The window: puts its parts together and passes on what one has to tell another. Shows runs, asks for them by the
// parts' signals, never touches the engine: app/gui wires it to the runner, tests to whatever they like. GUI thread.
#pragma once

#include <QMainWindow>
#include <span>

#include "engine/types/data_export.h"
#include "ui/window/run_controller.h"
#include "ui/window/workspace.h"

class QLabel;
class QMenu;
class QProgressBar;
class QSplitter;
class QStackedWidget;

namespace spanscope {

class Appearance;
class Banner;
class ChatController;
class ChatFiles;
class ChatPanel;
class DockLayout;
class FiguresBar;
class MainToolBar;
class ModelLoader;
class ProbeView;
class WhatIfView;
class PromptEditor;
class RunFiles;
class RunListView;
class RunSession;
class SpanTableView;
class ThroughputView;
class TranscriptPanel;
class WindowActions;

class MainWindow : public QMainWindow {
    Q_OBJECT
  public:
    /// What app/ knows and the window does not.
    struct Setup {
        QVector<TaskInfo> tasks;
        QVector<VocabularyInfo> vocabularies;
        QString version;
        QString devices;                      ///< about accelerators, one line
        QVector<BundledModel> bundledModels;  ///< the first is the one to start with
        QStringList sampleTraces;
        QString conversationFile;                 ///< kept from start to start; empty: none is
        bool keepsRuns = false;                   ///< there is somewhere to keep runs from start to start
        std::span<const DataExport> dataExports;  ///< written by the engine; outlive the window
        bool systemDark = false, systemHighContrast = false;
    };
    explicit MainWindow(const Setup& setup, QWidget* parent = nullptr);
    ~MainWindow() override;

    using State = Workspace::State;
    using Compare = RunController::Compare;

    // The parts.
    RunController* runs() const { return m_runs; }
    ChatController* chat() const { return m_chat; }
    ChatPanel* chatPanel() const { return m_chatPanel; }
    ChatFiles* chatFiles() const { return m_chatFiles; }
    ModelLoader* models() const { return m_models; }
    RunFiles* files() const { return m_files; }
    RunSession* session() const { return m_session; }
    DockLayout* docks() const { return m_docks; }
    TranscriptPanel* transcriptPanel() const { return m_transcripts; }
    PromptEditor* promptEditor() const { return m_prompt; }
    SpanTableView* spanTable() const { return m_spans; }
    FiguresBar* figures() const { return m_figures; }
    ProbeView* probe() const { return m_probe; }
    WhatIfView* whatIf() const { return m_whatIf; }
    Banner* banner() const { return m_banner; }
    WindowActions* windowActions() const { return m_actions; }

    // What is asked of the workspace and the actions everywhere.
    State state() const { return m_workspace->state(); }
    RunStore* store() const { return m_workspace->shown(); }
    RunStore* besideStore() const { return m_workspace->beside(); }
    Selection* selection() const { return m_workspace->selection(); }
    RunHistory* history() const { return m_workspace->history(); }
    RunDistances* distances() const { return m_workspace->distances(); }
    QAction* action(const QString& id) const;

    void openPath(const QString& path);  ///< model folder, .gguf or .spantrace
    void setSystemDark(bool dark);
    void setSystemHighContrast(bool high);
    void setSideBySide(bool on);
    /// Three stops over a recorded example; once by itself, later from the Help menu.
    void startTour();
    void startTourOnce();
    void startLesson();  ///< six pages on the run on show, or on a recorded example
    void startReplay();  ///< the run on show, piece by piece

  signals:
    void inspectRequested(const spanscope::SharedRun& run);

  protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool focusNextPrevChild(bool next) override;
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void childEvent(QChildEvent* event) override;

  private:
    // main_window.cpp
    void makeCentre();
    void makePanels();
    void makeStatus();
    void fitPrompt();
    void placeBanner();
    void keepOnScreen();
    void watchScreen();
    void connectParts();
    void connectSession();
    void refresh();  ///< what may be done now, as the workspace says
    void refreshIcons();
    void refreshChecked();  ///< what of the run on show is wrong, at the foot
    void say(const QString& text);
    void selectNeighbour(int direction);
    void copyTranscript();
    // main_window_chat.cpp
    void makeChat();
    void addChatActions();
    void showTask();  ///< a conversation has its text below, a problem above
    void refreshChat();
    bool showsConversation() const;  ///< and not the tokens of a run
    void findNext(int direction);
    // main_window_tour.cpp
    void showSomeRun();
    // main_window_actions.cpp
    void addActions();
    void addAttentionActions();
    void addThemeActions();
    void addMenus();

    Setup m_setup;
    Workspace* m_workspace;
    Appearance* m_appearance;
    WindowActions* m_actions;
    DockLayout* m_docks;
    RunController* m_runs = nullptr;
    ChatController* m_chat = nullptr;
    ChatPanel* m_chatPanel = nullptr;
    ChatFiles* m_chatFiles = nullptr;
    QSplitter* m_splitter = nullptr;
    QStackedWidget* m_lower = nullptr;  ///< transcripts, conversation
    ModelLoader* m_models = nullptr;
    RunFiles* m_files = nullptr;
    RunSession* m_session = nullptr;
    MainToolBar* m_toolBar = nullptr;
    PromptEditor* m_prompt = nullptr;
    TranscriptPanel* m_transcripts = nullptr;
    SpanTableView* m_spans = nullptr;
    ThroughputView* m_throughput = nullptr;
    ProbeView* m_probe = nullptr;
    WhatIfView* m_whatIf = nullptr;
    RunListView* m_runList = nullptr;
    FiguresBar* m_figures = nullptr;
    Banner* m_banner = nullptr;
    QProgressBar* m_progress = nullptr;
    QLabel *m_status = nullptr, *m_checked = nullptr;
    QVector<QMenu*> m_idleMenus;  ///< what they start must wait for a run to end
    bool m_wasShown = false;
    bool m_promptDragged = false;  ///< its height is a person's choice
    QMetaObject::Connection m_screenWatch;
};

}  // namespace spanscope
