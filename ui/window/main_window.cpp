// How the window is put together. Its actions and menus are in main_window_actions.cpp, the tour in
// main_window_tour.cpp, conversations in main_window_chat.cpp.
#include "ui/window/main_window.h"

#include <QAbstractItemView>
#include <QAction>
#include <QApplication>
#include <QChildEvent>
#include <QClipboard>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QProgressBar>
#include <QScreen>
#include <QScrollArea>
#include <QSettings>
#include <QShowEvent>
#include <QSplitter>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTabBar>
#include <QVBoxLayout>
#include <QWindow>

#include "engine/reading/violation_counts.h"
#include "ui/model/check_words.h"
#include "ui/model/shown_text.h"
#include "ui/views/elided_label.h"
#include "ui/views/figure_access.h"
#include "ui/views/graph/graph_view.h"
#include "ui/views/mask/distance_view.h"
#include "ui/views/mask/mask_compare.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/reach/reach_view.h"
#include "ui/views/spans/span_table_view.h"
#include "ui/views/throughput/throughput_view.h"
#include "ui/views/timeline/timeline_view.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/views/whatif/whatif_view.h"
#include "ui/window/appearance.h"
#include "ui/window/banner.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_files.h"
#include "ui/window/chat_panel.h"
#include "ui/window/dock_layout.h"
#include "ui/window/figures_bar.h"
#include "ui/window/focus_ring.h"
#include "ui/window/glyph_icon.h"
#include "ui/window/main_tool_bar.h"
#include "ui/window/model_loader.h"
#include "ui/window/plain_labels.h"
#include "ui/window/run_files.h"
#include "ui/window/run_list_view.h"
#include "ui/window/run_session.h"
#include "ui/window/run_tabs.h"
#include "ui/window/segment_inspector.h"
#include "ui/window/transcript_panel.h"
#include "ui/window/vocabulary_box.h"
#include "ui/window/window_actions.h"

namespace spanscope {

MainWindow::MainWindow(const Setup& setup, QWidget* parent)
    : QMainWindow(parent),
      m_setup(setup),
      m_workspace(new Workspace(this)),
      m_appearance(new Appearance(setup.systemDark, setup.systemHighContrast, this)),
      m_actions(new WindowActions(this)),
      m_docks(new DockLayout(this)) {
    setWindowTitle("Spanscope");
    setObjectName("mainWindow");
    setAcceptDrops(true);
    setDockNestingEnabled(true);
    setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
    QSize room(1440, 900);
    if (const QScreen* s = screen()) room = room.boundedTo(s->availableSize() - QSize(16, 48));  // with its frame
    resize(room);
    showLabelsAsPlainText();
    addActions();
    makeCentre();
    makeStatus();
    makePanels();
    m_toolBar = new MainToolBar(m_workspace, m_runs, m_models, *m_actions, m_setup.vocabularies, this);
    connect(m_toolBar->vocabularyBox(), &VocabularyBox::refused, m_prompt, &PromptEditor::showWarning);
    connect(m_runs, &RunController::settingsChanged, this, &MainWindow::refreshChat);
    addToolBar(m_toolBar);
    addMenus();
    connectParts();
    connectSession();
    for (QWidget* view : findChildren<QWidget*>()) {  // controls show the focus themselves, tables only with rows
        const bool painted = qobject_cast<QAbstractItemView*>(view) || view->inherits("spanscope::TranscriptView") ||
                             view->inherits("spanscope::TokenText") || view->inherits("spanscope::SegmentInspector");
        if (isFigure(view) || (painted && view->focusPolicy() & Qt::TabFocus)) new FocusRing(view);
    }
    if (restoreGeometry(QSettings().value("window/geometry").toByteArray())) keepOnScreen();
    m_appearance->readSettings();
    action(m_appearance->theme() == ThemeChoice::Dark    ? "themeDark"
           : m_appearance->theme() == ThemeChoice::Light ? "themeLight"
                                                         : "themeSystem")
        ->setChecked(true);
    action(m_appearance->contrast() == ContrastChoice::High    ? "contrastHigh"
           : m_appearance->contrast() == ContrastChoice::Usual ? "contrastUsual"
                                                               : "contrastSystem")
        ->setChecked(true);
    if (QSettings().value("transcript/markup").toBool()) action("showMarkup")->trigger();
    m_docks->readSettings();
    m_models->readSettings();
    refreshIcons();
    if (m_chatFiles->restore()) m_models->keepTask();
    showTask();
    refresh();
}

MainWindow::~MainWindow() = default;

QAction* MainWindow::action(const QString& id) const { return m_actions->action(id); }

void MainWindow::makeCentre() {
    auto* center = new QWidget(this);
    m_progress = new QProgressBar(center);
    m_progress->setObjectName("loadProgress");
    m_progress->setTextVisible(false);
    m_progress->setRange(0, 1000);
    m_progress->setAccessibleName(tr("Progress"));
    m_progress->hide();
    m_prompt = new PromptEditor(m_setup.tasks, center);
    m_prompt->setObjectName("page");
    m_prompt->setAttribute(Qt::WA_StyledBackground);
    m_transcripts = new TranscriptPanel(m_workspace, *m_actions, center);
    m_lower = new QStackedWidget(center);
    m_lower->addWidget(m_transcripts);
    m_splitter = new QSplitter(Qt::Vertical, center);
    m_splitter->setObjectName("centralSplitter");
    m_splitter->setHandleWidth(1);
    m_splitter->setChildrenCollapsible(false);
    m_splitter->addWidget(m_prompt);
    m_splitter->addWidget(m_lower);
    m_splitter->setStretchFactor(0, 0);
    m_splitter->setStretchFactor(1, 1);
    connect(m_splitter, &QSplitter::splitterMoved, this, [this] { m_promptDragged = true; });
    connect(m_prompt, &PromptEditor::heightWanted, this, &MainWindow::fitPrompt);
    auto* column = new QVBoxLayout(center);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_progress);
    column->addWidget(m_prompt->head());
    column->addWidget(m_splitter, 1);
    setCentralWidget(center);
    m_banner = new Banner(this);
}

/// As high as its text needs, until a person has drawn the line; the transcript keeps the better half.
void MainWindow::fitPrompt() {
    const int all = m_splitter->height() - m_splitter->handleWidth();
    if (m_promptDragged || all <= 0) return;
    const int at = m_splitter->indexOf(m_prompt), prompt = std::min(m_prompt->wantedHeight(), all / 2);
    m_splitter->setSizes(at == 0 ? QList<int>{prompt, all - prompt} : QList<int>{all - prompt, prompt});
}

/// Over the work, above the foot of the window: what it says moves nothing.
void MainWindow::placeBanner() {
    constexpr int kGap = 16, kWidest = 760;
    const QRect foot = statusBar()->geometry();
    const int width = std::min(kWidest, this->width() - 2 * kGap);
    const int height = m_banner->heightFor(width);
    m_banner->setGeometry((this->width() - width) / 2, std::max(0, foot.top() - kGap - height), width, height);
    m_banner->raise();
}

void MainWindow::makeStatus() {
    m_status = new ElidedLabel(this);
    m_status->setObjectName("status");
    m_status->setAccessibleName(tr("Status"));
    m_status->setContentsMargins(12, 0, 0, 0);
    m_figures = new FiguresBar(store(), besideStore(), selection(), this);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->addWidget(m_status, 1);
    statusBar()->addPermanentWidget(m_checked = new QLabel(this));
    m_checked->setObjectName("checked");
    m_checked->setTextFormat(Qt::RichText);  // for its colour; it is escaped
    m_checked->setAccessibleName(tr("Violations and wrong lines"));
    for (const auto signal : {&RunStore::reset, &RunStore::finished})
        connect(store(), signal, this, &MainWindow::refreshChecked);
    connect(store(), &RunStore::stepsAppended, this, &MainWindow::refreshChecked);
    statusBar()->addPermanentWidget(m_figures);
}

void MainWindow::makePanels() {
    const auto add = [this](const QString& id, const QString& title, QWidget* view) {
        m_actions->add("dock." + id, m_docks->add(id, title, view));
    };
    const auto scrolled = [this](QWidget* tall) {  // a small window scrolls it instead of growing
        auto* scroll = new QScrollArea(this);
        scroll->setWidget(tall);
        scroll->setWidgetResizable(true);
        scroll->setFrameShape(QFrame::NoFrame);
        scroll->setFocusPolicy(Qt::NoFocus);
        return scroll;
    };
    m_spans = new SpanTableView(store(), selection(), this);
    m_throughput = new ThroughputView(store(), besideStore(), selection(), this);
    m_probe = new ProbeView(store(), selection(), this);
    m_runList = new RunListView(history(), this);
    auto* mask = new MaskView(store(), selection(), this);
    auto* timeline = new TimelineView(store(), besideStore(), selection(), this);
    auto* graph = new GraphView(store(), selection(), this);
    add("mask", tr("Attention mask"), mask);
    add("throughput", tr("Throughput"), m_throughput);
    add("timeline", tr("Timeline"), timeline);
    add("graph", tr("Dependencies"), graph);
    add("spans", tr("Segments"), m_spans);
    add("inspector", tr("Segment inspector"), new SegmentInspector(store(), selection(), this));
    add("probe", tr("Inspect"), scrolled(m_probe));
    add("history", tr("Runs"), m_runList);
    add("reach", tr("Reach"), new ReachView(store(), selection(), this));
    auto* compare = new MaskCompareView(m_workspace->comparison(), m_workspace->distances(), this);
    add("compare", tr("Masks compared"), scrolled(compare));
    m_actions->addKeys(tr("In the masks compared"), compare);
    m_whatIf = new WhatIfView(store(), besideStore(), this);
    add("whatif", tr("What if"), scrolled(m_whatIf));
    action("dock.whatif")->setShortcut(QKeySequence("Ctrl+Shift+W"));
    action("dock.compare")->setShortcut(QKeySequence("Ctrl+Shift+D"));  // the digits are taken
    m_actions->addKeys(tr("In the attention mask"), mask);
    m_actions->addKeys(tr("In the throughput plot"), m_throughput);
    m_actions->addKeys(tr("In the timeline"), timeline);
    m_actions->addKeys(tr("In the dependencies"), graph);
    m_runs = new RunController(m_workspace, m_prompt, m_banner, this);
    connect(compare->distance(), &DistanceView::measureRequested, m_runs, &RunController::measure);
    connect(compare->distance(), &DistanceView::stopRequested, m_runs, &RunController::stopMeasuring);
    makeChat();
    m_models = new ModelLoader(m_workspace, m_setup.bundledModels, m_prompt, m_banner, this);
    m_files = new RunFiles(m_workspace, m_setup.dataExports, m_probe, m_whatIf, m_banner, this);
    m_session = new RunSession(m_workspace, m_runs, m_transcripts->tabs(), m_banner, m_setup.keepsRuns, this);
}

void MainWindow::connectParts() {
    connect(m_workspace, &Workspace::changed, this, &MainWindow::refresh);
    connect(m_workspace, &Workspace::message, this, &MainWindow::say);
    connect(m_workspace, &Workspace::modelSet, m_whatIf, [this] { m_whatIf->setModel(m_workspace->model()); });

    connect(m_models, &ModelLoader::starting, m_probe, &ProbeView::leave);  // what it replayed goes with the model
    connect(m_models, &ModelLoader::ready, m_runs, &RunController::onModelReady);
    connect(m_models, &ModelLoader::failed, m_runs, &RunController::onModelFailed);
    connect(m_models, &ModelLoader::ready, m_chat, &ChatController::onModelReady);
    connect(m_models, &ModelLoader::failed, m_chat, &ChatController::onModelFailed);
    connect(m_models, &ModelLoader::ready, m_chatFiles, &ChatFiles::onModelReady);
    connect(m_chatFiles, &ChatFiles::modelWanted, m_models, &ModelLoader::open);
    connect(m_models, &ModelLoader::progress, this, [this](double fraction) {
        m_progress->setRange(0, fraction < 0 ? 0 : 1000);
        if (fraction >= 0) m_progress->setValue(qRound(fraction * 1000));
    });

    connect(m_runs, &RunController::starting, m_probe, &ProbeView::leave);
    connect(m_runs, &RunController::measureRequested, m_probe, &ProbeView::leave);  // it needs the room
    connect(m_runs, &RunController::comparing, this, [this] { m_docks->raise("compare"); });
    connect(m_runs, &RunController::kept, m_transcripts, &TranscriptPanel::showTab);
    connect(m_runs, &RunController::shownAgain, this,
            [this](const HistoryEntry& entry) { m_transcripts->showTab(entry); });
    connect(m_runs, &RunController::modelWanted, m_models, &ModelLoader::useModelFor);  // to inspect or repeat it
    connect(m_runs, &RunController::shownBeside, this, [this] { setSideBySide(true); });
    connect(m_transcripts, &TranscriptPanel::chosen, m_runs, &RunController::show);
    connect(m_runList, &RunListView::chosen, m_runs, &RunController::show);
    connect(m_runList, &RunListView::chosenBeside, m_runs, &RunController::showBeside);
    connect(m_files, &RunFiles::opened, this, [this](const QVector<HistoryEntry>& entries, qint64 lastRunId) {
        m_runs->keepIdsFrom(lastRunId);
        m_transcripts->addTabs(entries);
        m_runs->show(entries.front());
    });

    connect(m_probe, &ProbeView::inspectRequested, this, [this] {
        if (state() == State::Ready && !store()->isEmpty()) emit inspectRequested(store()->share());
    });
    connect(m_probe, &ProbeView::inspectingChanged, this, [this](bool inspecting) {
        m_figures->setInspecting(inspecting);
        m_throughput->setInspecting(inspecting);
    });
    connect(m_docks, &DockLayout::choosing, this, [this](const QString& preset) {
        m_appearance->setPresenting(preset == "presentation");
        m_docks->setZoom(m_appearance->zoom());
    });
    connect(m_appearance, &Appearance::zoomed, this, [this](double factor) {
        m_docks->setZoom(factor);
        say(tr("Zoom %1 %").arg(qRound(factor * 100)));
    });
    connect(m_banner, &Banner::sizeWanted, this, &MainWindow::placeBanner);
}

void MainWindow::connectSession() {
    RunTabs* tabs = m_transcripts->tabs();
    connect(tabs, &RunTabs::closedLast, m_runs, &RunController::showNothing);
    connect(m_runList, &RunListView::labelWanted, m_session, &RunSession::editLabel);
    connect(m_files, &RunFiles::recovered, m_session, &RunSession::adopt);
    connect(m_session, &RunSession::showWanted, this, [this](const HistoryEntry& entry) {
        if (m_prompt->isConversation()) return;
        m_runs->showAsItWas(entry);
        const RunSettings& settings = entry.run->header.settings;
        if (m_prompt->task().toStdString() == settings.task)
            m_prompt->offer(m_prompt->task(), QString::fromStdString(settings.promptText));
    });
    connect(m_session, &RunSession::adopted, m_files, &RunFiles::forgetRecovered);
    connect(m_probe, &ProbeView::branchRequested, this, [this](BranchRequest request) {
        request.run = store()->share();
        m_runs->branch(std::move(request));
    });
    action("keepRuns")->setChecked(m_session->keeps());
    for (const char* id : {"keepRuns", "clearRuns"}) action(id)->setVisible(m_session->hasPlace());
}

void MainWindow::refresh() {
    const bool busy = m_workspace->isBusy(), ready = state() == State::Ready, empty = store()->isEmpty();
    action("run")->setEnabled(ready || state() == State::Loading);
    action("repeat")->setEnabled(ready && m_runs->canRepeat());
    action("stop")->setEnabled(state() == State::Running);
    action("cancelLoad")->setEnabled(state() == State::Loading);
    for (const char* id : {"unlock", "openModel", "openGguf", "openTrace"}) action(id)->setEnabled(!busy);
    for (const char* id : {"saveTrace", "exportImage", "exportData"}) action(id)->setEnabled(!busy && !empty);
    action("modelCard")->setEnabled(m_workspace->hasModel());
    for (QMenu* menu : m_idleMenus) menu->setEnabled(!busy && !menu->isEmpty());
    m_runList->setEnabled(!busy);
    m_probe->setAvailable(ready && !empty, busy                       ? tr("Available when the run has ended.")
                                           : !m_workspace->hasModel() ? tr("Needs the model of the run; open it first.")
                                                                      : tr("Needs a run; run something first."));
    m_progress->setVisible(state() == State::Loading);
    action("closeTab")->setEnabled(!busy && !empty);
    action("runLabel")->setEnabled(!busy && !empty);
    refreshChat();
}

void MainWindow::refreshChecked() {
    const CheckCounts& counts = store()->checks().counts();
    QStringList found;
    if (counts.nLines > counts.nRight || counts.nUnsupported > 0) found << QString::fromStdString(counts.text());
    const RunData& run = store()->data();
    const QString kinds = QString::fromStdString(violationCountsText(run));
    if (!run.violations.empty())  // of tags it matters which
        found << violationWords(run.violations.size()) + (run.header.vocabulary.empty() || kinds.isEmpty()
                                                              ? QString()
                                                              : QStringLiteral(" (%1)").arg(kinds));
    m_checked->setToolTip(plainToolTip(kinds));
    m_checked->setText(
        QStringLiteral("<span style='color:%1'>%2</span>")
            .arg(verdictColour(Verdict::Wrong, palette()).name(), found.join(QStringLiteral("  ·  ")).toHtmlEscaped()));
}

void MainWindow::refreshIcons() {
    const QPalette& p = palette();
    const auto set = [&](const char* id, Glyph glyph, bool accent = false) {
        action(id)->setIcon(glyphIcon(glyph, p, accent));
    };
    set("run", Glyph::Run, true);
    set("stop", Glyph::Stop);
    set("repeat", Glyph::Repeat);
    set("openModel", Glyph::Open);
    set("saveTrace", Glyph::Save);
    set("sampling", Glyph::Sliders);
    set("find", Glyph::Find);
    set("closeFind", Glyph::Close);
    set("chatAgain", Glyph::Repeat);
    m_toolBar->refreshIcons(p);
}

void MainWindow::say(const QString& text) { m_status->setText(shownLine(text)); }

void MainWindow::openPath(const QString& path) {
    if (RunFiles::isTrace(path)) m_files->openTrace(path);
    else m_models->open(path);
}

void MainWindow::setSystemDark(bool dark) { m_appearance->setSystemDark(dark); }

void MainWindow::setSystemHighContrast(bool high) { m_appearance->setSystemHighContrast(high); }

void MainWindow::setSideBySide(bool on) {
    m_docks->setSideBySide(on);
    m_transcripts->setSideBySide(on);
    action("sideBySide")->setChecked(on);
}

void MainWindow::selectNeighbour(int direction) {
    const int n = store()->nSteps();
    if (!n) return;
    const int current = selection()->current();
    const int target = current < 0 ? (direction > 0 ? 0 : n - 1) : std::clamp(current + direction, 0, n - 1);
    selection()->lockRange(target, target);
}

void MainWindow::copyTranscript() {
    const bool chat = showsConversation();
    QApplication::clipboard()->setText(chat ? chatText(*m_chat->tree()) : m_transcripts->transcript()->plainText());
    say(chat ? tr("Conversation copied") : tr("Transcript copied"));
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    const auto urls = event->mimeData()->urls();
    if (!m_workspace->isBusy() && urls.size() == 1 && urls.front().isLocalFile()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const auto urls = event->mimeData()->urls();
    if (urls.size() != 1) return;
    event->acceptProposedAction();
    openPath(urls.front().toLocalFile());
}

void MainWindow::closeEvent(QCloseEvent* event) {
    if (!m_session->mayClose()) {
        event->ignore();
        return;
    }
    m_session->rememberTabs();
    emit m_runs->stopRequested();
    emit m_models->loadCancelRequested();
    QSettings().setValue("window/geometry", saveGeometry());
    m_docks->writeSettings();
    m_models->writeSettings();
    m_chatFiles->keep();
    QMainWindow::closeEvent(event);
}

/// As Qt does it, but for two things: panels behind another one's tab are passed over, which Qt takes for visible; and
/// what passes the focus on to one of its own children comes when that child does.
bool MainWindow::focusNextPrevChild(bool next) {
    QWidget* from = focusWidget() ? focusWidget() : this;
    const auto after = [next](const QWidget* w) { return next ? w->nextInFocusChain() : w->previousInFocusChain(); };
    for (QWidget* w = after(from); w != from; w = after(w)) {
        if (!(w->focusPolicy() & Qt::TabFocus) || w->focusProxy() || w->window() != this || !w->isVisible() ||
            !w->isEnabled() || m_docks->isBehindTab(w))
            continue;
        w->setFocus(next ? Qt::TabFocusReason : Qt::BacktabFocusReason);
        return true;
    }
    return false;
}

void MainWindow::changeEvent(QEvent* event) {
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_toolBar) refreshIcons();
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    m_figures->fit(width() - fontMetrics().averageCharWidth() * 28);  // the rest is for what is going on
    placeBanner();
}

/// A window that was left on a larger screen, or at another scale, comes back where all of it can be reached.
void MainWindow::keepOnScreen() {
    const QScreen* s = screen();
    if (!s || windowState() & (Qt::WindowMaximized | Qt::WindowFullScreen)) return;
    QList<QRect> screens{s->availableGeometry()};
    for (const QScreen* other : QGuiApplication::screens())
        if (other != s) screens << other->availableGeometry();
    const QSize frame = isVisible() ? frameGeometry().size() - size() : QSize(16, 48);
    for (QRect& free : screens)
        free.adjust(frame.width() / 2, frame.height() - frame.width() / 2, -frame.width() / 2, -frame.width() / 2);
    const QRect fitted = fittedToScreens(geometry(), screens);
    if (fitted != geometry()) setGeometry(fitted);
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    if (m_wasShown) return;
    m_wasShown = true;
    m_prompt->focusText();
    fitPrompt();
    m_docks->windowShown();
    watchScreen();
    connect(windowHandle(), &QWindow::screenChanged, this, [this] {
        watchScreen();
        keepOnScreen();
    });
}

/// Its scale or resolution may change under the window.
void MainWindow::watchScreen() {
    disconnect(m_screenWatch);
    m_screenWatch = connect(screen(), &QScreen::availableGeometryChanged, this, &MainWindow::keepOnScreen);
}

/// Tab bars of docks come and go with the docks; each gets its name as it comes.
void MainWindow::childEvent(QChildEvent* event) {
    QMainWindow::childEvent(event);
    if (event->type() != QEvent::ChildPolished) return;
    auto* tabs = qobject_cast<QTabBar*>(event->child());
    if (tabs) m_docks->nameTabs(tabs);
}

}  // namespace spanscope
