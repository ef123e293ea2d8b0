// Construction, state and appearance. Actions, docks, runs and files have files of their own.
#include "ui/window/main_window.h"

#include <QAction>
#include <QApplication>
#include <QChildEvent>
#include <QComboBox>
#include <QDockWidget>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QProgressBar>
#include <QScreen>
#include <QScrollBar>
#include <QSettings>
#include <QShowEvent>
#include <QSplitter>
#include <QStatusBar>
#include <QTabBar>
#include <QTableView>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

#include "engine/types/answer_check.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/banner.h"
#include "ui/window/figures_bar.h"
#include "ui/window/focus_ring.h"
#include "ui/window/plain_labels.h"
#include "ui/window/sampling_dialog.h"

namespace spanscope {

namespace {
constexpr qsizetype kModelName = 60, kAnswer = 47, kCheckNote = 80;  // characters
}

MainWindow::MainWindow(const Setup& setup, QWidget* parent)
    : QMainWindow(parent),
      m_setup(setup),
      m_store(new RunStore(this)),
      m_dense(new RunStore(this)),
      m_selection(new Selection(this)),
      m_history(new RunHistory(this)) {
    setWindowTitle("Spanscope");
    setObjectName("mainWindow");
    setAcceptDrops(true);
    setDockNestingEnabled(true);
    setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
    QSize room(1440, 900);
    if (const QScreen* s = screen()) room = room.boundedTo(s->availableSize() - QSize(16, 48));  // with its frame
    resize(room);
    m_baseFont = QApplication::font().pointSizeF();
    showLabelsAsPlainText();
    buildActions();
    buildCentral();
    buildStatus();
    buildToolBar();
    buildDocks();
    buildMenus();
    for (const char* name :
         {"spanscope::TranscriptView", "spanscope::TimelineView", "spanscope::GraphView", "QCustomPlot"})
        for (QWidget* view : findChildren<QWidget*>())  // controls, tables and the mask show the focus themselves
            if (view->inherits(name) && view->focusPolicy() & Qt::TabFocus) new FocusRing(view);
    readSettings();
    refreshIcons();
    setState(State::NoModel);
}

MainWindow::~MainWindow() = default;

QWidget* MainWindow::transcriptPanel() {
    auto* panel = new QWidget(this);
    panel->setObjectName("page");
    auto* head = new QWidget(panel);
    head->setObjectName("transcriptHead");
    auto* row = new QHBoxLayout(head);
    row->setContentsMargins(16, 12, 16, 4);
    row->setSpacing(16);
    m_runTitle = new QLabel(tr("Transcript"), head);
    m_runTitle->setObjectName("sectionTitle");
    m_runTitle->setTextFormat(Qt::PlainText);  // names the task of a recording
    m_answer = new QLabel(head);
    m_answer->setObjectName("answer");
    m_answer->setTextFormat(Qt::RichText);  // the answer stands out; it is escaped
    m_answer->setAccessibleName(tr("Answer"));
    m_answer->setTextInteractionFlags(Qt::TextSelectableByMouse);
    row->addWidget(m_runTitle);
    row->addStretch(1);
    row->addWidget(m_answer);

    m_findBar = new QWidget(panel);
    m_findEdit = new QLineEdit(m_findBar);
    m_findEdit->setPlaceholderText(tr("Find in transcript"));
    m_findEdit->setAccessibleName(tr("Find in transcript"));
    m_findEdit->setClearButtonEnabled(true);
    m_findEdit->setObjectName("findEdit");
    m_findCount = new QLabel(m_findBar);
    m_findCount->setObjectName("findCount");
    auto* findRow = new QHBoxLayout(m_findBar);
    findRow->setContentsMargins(16, 4, 16, 4);
    findRow->addWidget(m_findEdit, 1);
    findRow->addWidget(m_findCount);
    for (const char* id : {"findPrevious", "findNext", "closeFind"}) {
        auto* button = new QToolButton(m_findBar);
        button->setDefaultAction(action(id));
        findRow->addWidget(button);
    }
    m_findBar->hide();
    connect(m_findEdit, &QLineEdit::textChanged, this, [this](const QString& text) {
        const int n = m_transcript->find(text);
        m_findCount->setText(text.isEmpty() ? QString() : tr("%1 found").arg(n));
        if (n) m_transcript->findNext(1);
    });
    m_findEdit->installEventFilter(this);
    connect(m_findEdit, &QLineEdit::returnPressed, this, [this] { m_transcript->findNext(1); });

    m_runTabs = new QTabBar(panel);
    m_runTabs->setObjectName("runTabs");
    m_runTabs->setAccessibleName(tr("Runs, newest last"));
    m_runTabs->setTabsClosable(true);
    m_runTabs->setExpanding(false);
    m_runTabs->setUsesScrollButtons(true);
    m_runTabs->setElideMode(Qt::ElideRight);
    m_runTabs->hide();
    connect(m_runTabs, &QTabBar::currentChanged, this, &MainWindow::onRunTab);
    connect(m_runTabs, &QTabBar::tabCloseRequested, this, &MainWindow::closeRunTab);

    auto* lanes = new QSplitter(Qt::Horizontal, panel);
    lanes->setHandleWidth(1);
    lanes->setChildrenCollapsible(false);
    const auto lane = [&](RunStore* store, QLabel*& name) {
        auto* pane = new QWidget(lanes);
        pane->setObjectName("page");
        pane->setAttribute(Qt::WA_StyledBackground);
        name = new QLabel(pane);
        name->setObjectName("laneTitle");
        name->setTextFormat(Qt::PlainText);
        name->setContentsMargins(16, 2, 16, 0);
        name->setMinimumWidth(1);
        name->hide();
        auto* view = new TranscriptView(store, m_selection, pane);
        auto* box = new QVBoxLayout(pane);
        box->setContentsMargins(0, 0, 0, 0);
        box->setSpacing(0);
        box->addWidget(name);
        box->addWidget(view, 1);
        return view;
    };
    m_transcript = lane(m_store, m_laneTitle);
    m_other = lane(m_dense, m_otherTitle);
    m_other->setAccessibleName(tr("Transcript of the other run"));
    m_other->setPlaceholder(tr("No other run"),
                            tr("Run with “Compare with dense”, or choose Show beside in the list of runs."));
    m_transcript->setReference(m_dense);
    m_other->setReference(m_store);
    m_other->parentWidget()->hide();
    for (auto [from, to] : {std::pair{m_transcript, m_other}, std::pair{m_other, m_transcript}})
        connect(from->verticalScrollBar(), &QScrollBar::valueChanged, to, [to](int value) {
            if (to->isVisible()) to->verticalScrollBar()->setValue(value);
        });
    for (RunStore* store : {m_store, m_dense})
        for (const auto signal : {&RunStore::reset, &RunStore::finished})
            connect(store, signal, this, &MainWindow::nameLanes);
    lanes->setSizes({1000, 1000});
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_runTabs);
    column->addWidget(head);
    column->addWidget(m_findBar);
    column->addWidget(lanes, 1);
    return panel;
}

void MainWindow::buildCentral() {
    auto* center = new QWidget(this);
    auto* column = new QVBoxLayout(center);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    m_banner = new Banner(center);
    m_progress = new QProgressBar(center);
    m_progress->setObjectName("loadProgress");
    m_progress->setTextVisible(false);
    m_progress->setRange(0, 1000);
    m_progress->setAccessibleName(tr("Progress"));
    m_progress->hide();
    m_prompt = new PromptEditor(m_setup.tasks, center);
    m_prompt->setObjectName("page");
    connect(m_prompt, &PromptEditor::taskChosen, this, &MainWindow::useModelFor);
    m_prompt->setAttribute(Qt::WA_StyledBackground);
    auto* splitter = new QSplitter(Qt::Vertical, center);
    splitter->setObjectName("centralSplitter");
    splitter->setHandleWidth(1);
    splitter->setChildrenCollapsible(false);
    splitter->addWidget(m_prompt);
    splitter->addWidget(transcriptPanel());
    splitter->setStretchFactor(0, 0);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({136, 640});
    column->addWidget(m_progress);
    column->addWidget(m_banner);
    column->addWidget(splitter, 1);
    setCentralWidget(center);
}

void MainWindow::buildToolBar() {
    auto* bar = addToolBar(tr("Main"));
    bar->setObjectName("mainToolBar");
    bar->setMovable(false);
    bar->setFloatable(false);
    bar->toggleViewAction()->setEnabled(false);
    bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    const auto button = [&](const char* id, const char* name) {
        auto* b = new QToolButton(bar);
        b->setDefaultAction(action(id));
        b->setObjectName(name);
        b->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        b->setFocusPolicy(Qt::TabFocus);
        b->setAccessibleName(action(id)->text().remove('&'));
        bar->addWidget(b);
        return b;
    };
    m_runButton = button("run", "runButton");
    m_stopButton = button("stop", "stopButton");
    auto* label = new QLabel(tr("Attention"), bar);
    label->setObjectName("sectionTitle");
    label->setContentsMargins(16, 0, 0, 0);
    bar->addWidget(label);
    m_attention = new QComboBox(bar);
    m_attention->setObjectName("attention");
    m_attention->addItem(tr("Declared"), int(Compare::Declared));
    m_attention->addItem(tr("Dense"), int(Compare::Dense));
    m_attention->addItem(tr("Compare with dense"), int(Compare::Both));
    m_attention->setAccessibleName(tr("Attention"));
    m_attention->setToolTip(
        tr("Declared: each step attends to what the model named. Dense: everything. Compare: both, in alternating "
           "slices of 16 steps"));
    label->setBuddy(m_attention);
    bar->addWidget(m_attention);
    m_samplingButton = new QToolButton(bar);  // shows what is set, so it has a text of its own
    m_samplingButton->setObjectName("samplingButton");
    m_samplingButton->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_samplingButton->setFocusPolicy(Qt::TabFocus);
    connect(m_samplingButton, &QToolButton::clicked, action("sampling"), &QAction::trigger);
    bar->addWidget(m_samplingButton);
    auto* space = new QWidget(bar);
    space->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    bar->addWidget(space);
    m_modelButton = new QToolButton(bar);
    m_modelButton->setObjectName("modelButton");
    m_modelButton->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_modelButton->setPopupMode(QToolButton::InstantPopup);
    m_modelButton->setFocusPolicy(Qt::TabFocus);
    bar->addWidget(m_modelButton);
}

void MainWindow::buildStatus() {
    m_status = new QLabel(this);
    m_status->setObjectName("status");
    m_status->setTextFormat(Qt::PlainText);
    m_status->setAccessibleName(tr("Status"));
    m_status->setContentsMargins(12, 0, 0, 0);
    m_status->setMinimumWidth(1);
    m_figures = new FiguresBar(m_store, m_dense, m_selection, this);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->addWidget(m_status, 1);
    statusBar()->addPermanentWidget(m_figures);
}

void MainWindow::setState(State state) {
    m_state = state;
    const bool running = state == State::Running || state == State::Stopping;
    action("run")->setEnabled(state == State::Ready || state == State::Loading);
    action("repeat")->setEnabled(state == State::Ready && m_haveRun);
    action("stop")->setEnabled(state == State::Running);
    action("unlock")->setEnabled(!running);
    action("cancelLoad")->setEnabled(state == State::Loading);
    action("openModel")->setEnabled(!running);
    action("openGguf")->setEnabled(!running);
    action("openTrace")->setEnabled(!running);
    action("saveTrace")->setEnabled(!running && !m_store->isEmpty());
    action("exportImage")->setEnabled(!running && !m_store->isEmpty());
    action("exportData")->setEnabled(!running && !m_store->isEmpty());
    action("modelCard")->setEnabled(!m_model.path.isEmpty());
    for (QMenu* menu : m_idleMenus) menu->setEnabled(!running);
    m_recentMenu->setEnabled(!running && !m_recentMenu->isEmpty());
    m_historyView->setEnabled(!running);
    m_runTabs->setEnabled(!running);
    m_probe->setAvailable(state == State::Ready && !m_store->isEmpty(),
                          running                  ? tr("Available when the run has ended.")
                          : m_model.path.isEmpty() ? tr("Needs the model of the run; open it first.")
                                                   : tr("Needs a run; run something first."));
    m_progress->setVisible(state == State::Loading);
    updateTexts();
}

void MainWindow::updateTexts() {
    QString text;
    switch (m_state) {
        case State::NoModel:
            text = tr("No model");
            m_transcript->setPlaceholder(
                tr("No model is loaded"),
                tr("Open a model folder with Ctrl+O, or drop one onto this window. Traces open without a model."));
            break;
        case State::Loading:
            text = tr("Loading %1").arg(shownLine(m_loadingPath.section('/', -1), kModelName));
            m_transcript->setPlaceholder(
                tr("Loading the model"),
                tr("You can type already; Ctrl+Return runs as soon as it is ready. Ctrl+. cancels."));
            break;
        case State::Ready:
            text = tr("%1 · %2").arg(
                shownLine(m_model.name, kModelName),
                shownLine(m_model.backend == "cuda" ? m_model.device : m_model.backend.toUpper() + ' ' + m_model.device,
                          kModelName));
            m_transcript->setPlaceholder(tr("Nothing has run yet"), tr("Press Ctrl+Return to run the problem above."));
            break;
        default: break;  // the model stays the same
    }
    if (!text.isEmpty()) {
        m_modelButton->setText(menuText(text));
        m_modelButton->setAccessibleName(tr("Model: %1").arg(text));
        m_modelButton->setToolTip(m_model.path.isEmpty() ? tr("Open a model")
                                                         : plainToolTip(m_model.path + '\n' + m_model.format));
    }
    action("run")->setToolTip(m_state == State::NoModel ? tr("Run needs a model; open one first")
                                                        : tr("Run the problem"));
    m_samplingButton->setText(samplerText(m_sampling.sampler));
    m_samplingButton->setAccessibleName(tr("Sampling: %1").arg(m_samplingButton->text()));
    m_samplingButton->setToolTip(action("sampling")->toolTip());
    m_runTitle->setText(m_store->isEmpty() ? tr("Transcript")
                                           : tr("Transcript   %1").arg(runTitle(m_store->data().header)));
    const QString answer = QString::fromStdString(m_store->data().answer);
    const QString mark = checkMark(m_store->data()), note = QString::fromStdString(checkAnswer(m_store->data()).note);
    QString shown =
        answer.isEmpty() ? QString() : tr("Answer  <b>%1</b>").arg(shownLine(answer, kAnswer).toHtmlEscaped());
    if (!mark.isEmpty())
        shown += (shown.isEmpty() ? QString() : QStringLiteral("  ")) + mark + ' ' +
                 shownLine(note, kCheckNote).toHtmlEscaped();
    m_answer->setText(shown.trimmed());
    m_answer->setProperty("answer", answer);
    m_answer->setProperty("check", mark);
    m_answer->setAccessibleDescription(shownLine(note));
    m_answer->setToolTip(
        plainToolTip(QStringList{answer.size() > kAnswer ? answer : QString(), note}.join(' ').trimmed()));
}

/// Esc in the find bar closes it; elsewhere it stops the run or unlocks the selection.
bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
    const bool key = event->type() == QEvent::KeyPress || event->type() == QEvent::ShortcutOverride;
    if (watched != m_findEdit || !key || static_cast<QKeyEvent*>(event)->key() != Qt::Key_Escape)
        return QMainWindow::eventFilter(watched, event);
    event->accept();
    if (event->type() == QEvent::KeyPress) {
        action("closeFind")->trigger();
        m_transcript->setFocus();
    }
    return true;
}

void MainWindow::showMessage(const QString& text) { m_status->setText(shownLine(text)); }

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
    if (m_samplingButton) m_samplingButton->setIcon(glyphIcon(Glyph::Sliders, p));
    if (m_modelButton) m_modelButton->setIcon(glyphIcon(Glyph::Model, p));
}

void MainWindow::applyThemeChoice() {
    applyTheme(*qApp, m_theme == ThemeChoice::Dark || (m_theme == ThemeChoice::System && m_setup.systemDark),
               m_baseFont * m_zoom);
}

void MainWindow::setSystemDark(bool dark) {
    m_setup.systemDark = dark;
    if (m_theme == ThemeChoice::System) applyThemeChoice();
}

void MainWindow::setZoom(double factor) {
    m_zoom = std::clamp(factor, 0.6, 3.0);
    applyThemeChoice();
    showMessage(tr("Zoom %1 %").arg(qRound(m_zoom * 100)));
}

void MainWindow::changeEvent(QEvent* event) {
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_figures && m_modelButton && !m_actions.isEmpty()) refreshIcons();
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    m_figures->fit(width() - fontMetrics().averageCharWidth() * 28);  // the rest is for what is going on
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    if (m_shown) return;
    m_shown = true;
    m_prompt->setFocus();
}

/// Tab bars of docks come and go with the docks; each gets its name as it comes.
void MainWindow::childEvent(QChildEvent* event) {
    QMainWindow::childEvent(event);
    if (event->type() != QEvent::ChildPolished) return;
    auto* tabs = qobject_cast<QTabBar*>(event->child());
    if (!tabs) return;
    tabs->setAccessibleName(tr("Panels"));
    tabs->setElideMode(Qt::ElideNone);
    tabs->setUsesScrollButtons(true);
}

}  // namespace spanscope
