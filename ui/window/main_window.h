// The window. Shows runs, asks for them by signal, never touches the engine: app/gui wires it to the runner, tests
// to whatever they like. GUI thread.
#pragma once

#include <QMainWindow>
#include <QMap>
#include <span>

#include "ui/export/export_dialog.h"
#include "ui/model/payloads.h"
#include "ui/model/run_history.h"
#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/window/theme.h"

class QActionGroup;
class QComboBox;
class QLabel;
class QLineEdit;
class QMenu;
class QProgressBar;
class QTabBar;
class QTableView;
class QToolButton;

namespace spanscope {

class Banner;
class FiguresBar;
class ForecastDialog;
class ProbeView;
class PromptEditor;
class SpanTableView;
class ThroughputView;
class TranscriptView;

class MainWindow : public QMainWindow {
    Q_OBJECT
  public:
    /// What app/ knows and the window does not.
    struct Setup {
        QVector<TaskInfo> tasks;
        QString version;
        QString devices;                      ///< about accelerators, one line
        QVector<BundledModel> bundledModels;  ///< the first is the one to start with
        QStringList sampleTraces;
        std::span<const DataExport> dataExports;  ///< written by the engine
        bool systemDark = false;
    };
    explicit MainWindow(const Setup& setup, QWidget* parent = nullptr);
    ~MainWindow() override;

    enum class State { NoModel, Loading, Ready, Running, Stopping };
    enum class Compare { Declared, Dense, Both };
    State state() const { return m_state; }
    DeviceChoice device() const { return m_device; }
    qint64 lastRunId() const { return m_runId; }
    RunStore* store() const { return m_store; }
    RunStore* denseStore() const { return m_dense; }
    Selection* selection() const { return m_selection; }
    PromptEditor* promptEditor() const { return m_prompt; }
    TranscriptView* transcript() const { return m_transcript; }
    SpanTableView* spanTable() const { return m_spans; }
    FiguresBar* figures() const { return m_figures; }
    ProbeView* probe() const { return m_probe; }
    Banner* banner() const { return m_banner; }
    RunHistory* history() const { return m_history; }
    QAction* action(const QString& id) const { return m_actions.value(id); }
    QStringList actionIds() const { return m_actions.keys(); }

    void loadModel(const LoadRequest& request);
    void openPath(const QString& path);  ///< model folder, .gguf or .spantrace
    void setAttention(Compare mode);
    void setSystemDark(bool dark);
    void offerRecovery(const QStringList& traces);
    void setLayoutPreset(const QString& name);  ///< "demo", "analysis", "inspect", "presentation"
    void setZoom(double factor);
    /// Three steps over a recorded example; once by itself, later from the Help menu.
    void startTour();
    void startTourOnce();
    void setSideBySide(bool on);
    QTabBar* runTabs() const { return m_runTabs; }
    void raisePanel(const QString& id);  ///< shows a dock and brings its tab to the front
    TranscriptView* otherTranscript() const { return m_other; }

  public slots:
    void onModelProgress(double fraction);
    void onModelReady(const spanscope::ModelInfo& info);
    void onModelFailed(const QString& path, const spanscope::ErrorInfo& error);
    void onModelDropped();
    void onForecast(const spanscope::ForecastInfo& info);
    void onForecastFailed(const QString& path, const spanscope::ErrorInfo& error);
    void onStarted(qint64 runId, const spanscope::SharedHeader& header,
                   const std::vector<spanscope::Segment>& segments);
    void onProgress(qint64 runId, int done, int total);
    void onBatch(const spanscope::SharedBatch& batch);
    void onFailed(qint64 runId, const spanscope::ErrorInfo& error);
    void onFinished(qint64 runId, spanscope::StopReason reason);
    void onIdle();
    void onTraceOpened(const QString& path, const spanscope::RunList& all, const QString& damage);
    void onTraceSaved(const QString& path);
    void onTraceFailed(const QString& path, const spanscope::ErrorInfo& error);

  signals:
    void loadRequested(const spanscope::LoadRequest& request);
    void loadCancelRequested();
    void forecastRequested(const QString& path, int contextTokens);
    void runRequested(const spanscope::RunRequest& request);
    void stopRequested();
    void traceOpenRequested(const QString& path);
    void inspectRequested(const spanscope::SharedRun& run);
    void traceSaveRequested(const QString& path, const spanscope::RunList& runs);

  protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void childEvent(QChildEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    static constexpr int kRunTabs = 12;
    // main_window.cpp
    void buildCentral();
    void buildToolBar();
    void buildStatus();
    QWidget* transcriptPanel();
    void setState(State state);
    void updateTexts();
    void applyThemeChoice();
    void refreshIcons();
    void showMessage(const QString& text);
    // main_window_actions.cpp
    QAction* add(const QString& id, const QString& text, const QList<QKeySequence>& keys, const QString& tip,
                 const std::function<void()>& run);
    void buildActions();
    void buildMenus();
    void showShortcuts();
    // main_window_docks.cpp
    void buildDocks();
    QDockWidget* addDock(const QString& id, const QString& title, QWidget* view);
    void arrange(const QString& preset);
    int stacksThatFit(const QString& preset) const;
    QString layoutKey() const;
    void saveLayout();
    void readSettings();
    void writeSettings();
    // main_window_runs.cpp
    void run();
    void repeat();
    void request(const RunRequest& request);
    void stop();
    void editSampling();
    void showEntry(const HistoryEntry& entry);
    void showBeside(const HistoryEntry& entry);
    void keep(const HistoryEntry& entry);  ///< in the list of runs, and as a tab
    void addRunTab(const HistoryEntry& entry);
    void onRunTab(int index);
    void closeRunTab(int index);
    void nameLanes();
    void askToExport(const QString& suffix);  ///< empty: a picture
    void openFind();
    void findStep(int direction);
    // main_window_files.cpp
    void chooseModelFolder();
    void chooseGguf();
    void chooseTrace();
    void saveTrace();
    void copyTranscript();
    void remember(const QString& modelPath);
    const BundledModel* bundledFor(const QString& task) const;
    bool isBundled(const QString& path) const;
    void useModelFor(const QString& task);  ///< one bundled model makes way for another; a person's own never
    void fillRecent();
    void askForecast(const QString& path);
    void offerAnotherModel(const QString& path, const ErrorInfo& error);
    void showModelCard();

    Setup m_setup;
    State m_state = State::NoModel;
    RunStore* m_store;
    RunStore* m_dense;
    Selection* m_selection;
    RunHistory* m_history;
    ModelInfo m_model;
    QString m_loadingPath;
    DeviceChoice m_device = DeviceChoice::Automatic;

    PromptEditor* m_prompt = nullptr;
    TranscriptView* m_transcript = nullptr;
    TranscriptView* m_other = nullptr;  ///< the dense twin, or another run, beside it
    SpanTableView* m_spans = nullptr;
    QTableView* m_historyView = nullptr;
    FiguresBar* m_figures = nullptr;
    ProbeView* m_probe = nullptr;
    ThroughputView* m_throughput = nullptr;
    Banner* m_banner = nullptr;
    QTabBar* m_runTabs = nullptr;
    QVector<HistoryEntry> m_tabEntries;                      ///< (tabs)
    QLabel *m_laneTitle = nullptr, *m_otherTitle = nullptr;  ///< above the transcripts while they are side by side
    QWidget* m_findBar = nullptr;
    QLineEdit* m_findEdit = nullptr;
    QLabel* m_findCount = nullptr;
    QLabel* m_runTitle = nullptr;
    QLabel* m_answer = nullptr;
    QLabel* m_status = nullptr;
    QProgressBar* m_progress = nullptr;
    QComboBox* m_attention = nullptr;
    QToolButton* m_runButton = nullptr;
    QToolButton* m_stopButton = nullptr;
    QToolButton* m_samplingButton = nullptr;
    QToolButton* m_modelButton = nullptr;
    QMenu* m_recentMenu = nullptr;
    QVector<QMenu*> m_idleMenus;  ///< what they start must wait for a run to end
    QMap<QString, QAction*> m_actions;
    QMap<QString, QDockWidget*> m_docks;
    QVector<QPair<QString, QStringList>> m_actionGroups;  ///< menu title, action ids: for the shortcut sheet
    QActionGroup* m_themeGroup = nullptr;
    ForecastDialog* m_forecast = nullptr;
    QString m_forecastPath;

    RunSettings m_sampling;  ///< sampler and maxTokens of the next run
    bool m_randomSeed = false;
    RunRequest m_last;  ///< for repeat
    qint64 m_nextRunId = 1;
    qint64 m_runId = 0, m_denseId = 0;  ///< on show
    bool m_runWhenReady = false;
    bool m_haveRun = false;
    ThemeChoice m_theme = ThemeChoice::System;
    QString m_layoutName = "demo";
    int m_layoutStacks = 3;
    double m_baseFont = 0;
    double m_zoom = 1;
    bool m_shown = false;
};

}  // namespace spanscope
