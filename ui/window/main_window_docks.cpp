// Docks, their arrangements, and what is remembered between starts.
#include <QAction>
#include <QCloseEvent>
#include <QDockWidget>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QScrollArea>
#include <QSettings>
#include <QTableView>
#include <QToolButton>

#include "ui/views/graph/graph_view.h"
#include "ui/views/mask/mask_compare.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/spans/span_table_view.h"
#include "ui/views/throughput/throughput_view.h"
#include "ui/views/timeline/timeline_view.h"
#include "ui/window/figures_bar.h"
#include "ui/window/main_window.h"
#include "ui/window/segment_inspector.h"

namespace spanscope {

namespace {
constexpr int kSettingsVersion = 2;  // of saved dock states
}

QDockWidget* MainWindow::addDock(const QString& id, const QString& title, QWidget* view) {
    auto* dock = new QDockWidget(title, this);
    dock->setObjectName("dock." + id);
    dock->setWidget(view);
    dock->setFeatures(QDockWidget::DockWidgetClosable | QDockWidget::DockWidgetMovable |
                      QDockWidget::DockWidgetFloatable);
    auto* bar = new QWidget(dock);
    bar->setObjectName("page");
    bar->setAttribute(Qt::WA_StyledBackground);
    auto* label = new QLabel(title, bar);
    label->setObjectName("dockTitle");
    auto* close = new QToolButton(bar);
    close->setText(QStringLiteral("×"));
    close->setToolTip(tr("Hide %1").arg(title));
    close->setAccessibleName(tr("Hide %1").arg(title));
    close->setFocusPolicy(Qt::NoFocus);
    connect(close, &QToolButton::clicked, dock, &QDockWidget::close);
    auto* row = new QHBoxLayout(bar);
    row->setContentsMargins(16, 4, 8, 4);
    row->addWidget(label);
    row->addStretch(1);
    row->addWidget(close);
    dock->setTitleBarWidget(bar);
    m_docks.insert(id, dock);
    const int number = static_cast<int>(m_docks.size());
    // A panel behind another one's tab comes to the front; only one that is in sight is hidden.
    auto* toggle = new QAction(title, this);
    toggle->setCheckable(true);
    toggle->setObjectName("dock." + id);
    if (number <= 9) toggle->setShortcut(QKeySequence(QStringLiteral("Ctrl+%1").arg(number)));
    toggle->setToolTip(tr("Show or hide %1").arg(title));
    addAction(toggle);
    m_actions.insert("dock." + id, toggle);
    connect(dock, &QDockWidget::visibilityChanged, toggle, &QAction::setChecked);
    connect(toggle, &QAction::triggered, this, [this, id](bool on) {
        if (on) raisePanel(id);
        else m_docks.value(id)->close();
    });
    return dock;
}

void MainWindow::buildDocks() {
    m_spans = new SpanTableView(m_store, m_selection, this);
    addDock("mask", tr("What each step attends to"), new MaskView(m_store, m_selection, this));
    m_throughput = new ThroughputView(m_store, m_dense, m_selection, this);
    addDock("throughput", tr("Throughput"), m_throughput);
    addDock("timeline", tr("Timeline"), new TimelineView(m_store, m_dense, m_selection, this));
    addDock("graph", tr("Dependencies"), new GraphView(m_store, m_selection, this));
    addDock("spans", tr("Spans"), m_spans);
    addDock("inspector", tr("Segment inspector"), new SegmentInspector(m_store, m_selection, this));

    m_probe = new ProbeView(m_store, m_selection, this);
    connect(m_probe, &ProbeView::inspectRequested, this, [this] {
        if (m_state == State::Ready && !m_store->isEmpty()) emit inspectRequested(m_store->share());
    });
    connect(m_probe, &ProbeView::inspectingChanged, this, [this](bool inspecting) {
        m_figures->setInspecting(inspecting);
        m_throughput->setInspecting(inspecting);
    });
    const auto scrolled = [this](QWidget* tall) {  // a small window scrolls it instead of growing
        auto* scroll = new QScrollArea(this);
        scroll->setWidget(tall);
        scroll->setWidgetResizable(true);
        scroll->setFrameShape(QFrame::NoFrame);
        scroll->setFocusPolicy(Qt::NoFocus);
        return scroll;
    };
    addDock("probe", tr("Inspect"), scrolled(m_probe));

    m_historyView = new QTableView(this);
    m_historyView->setModel(m_history);
    m_historyView->setAccessibleName(tr("Runs"));
    m_historyView->setObjectName("historyTable");
    m_historyView->setToolTip(tr("Double-click or Return shows a run again"));
    m_historyView->setFrameShape(QFrame::NoFrame);
    m_historyView->setShowGrid(false);
    m_historyView->setAlternatingRowColors(true);
    m_historyView->setWordWrap(false);
    m_historyView->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_historyView->setSelectionMode(QAbstractItemView::SingleSelection);
    m_historyView->setTabKeyNavigation(false);
    m_historyView->verticalHeader()->hide();
    m_historyView->horizontalHeader()->setHighlightSections(false);
    m_historyView->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_historyView->horizontalHeader()->setStretchLastSection(true);
    connect(m_historyView, &QTableView::activated, this,
            [this](const QModelIndex& index) { showEntry(m_history->at(index.row())); });
    m_historyView->setContextMenuPolicy(Qt::ActionsContextMenu);
    auto* show = new QAction(tr("Show"), m_historyView);
    auto* beside = new QAction(tr("Show beside"), m_historyView);
    beside->setToolTip(tr("Compare with the run on show, token by token"));
    connect(show, &QAction::triggered, this, [this] {
        if (const QModelIndex index = m_historyView->currentIndex(); index.isValid())
            showEntry(m_history->at(index.row()));
    });
    connect(beside, &QAction::triggered, this, [this] {
        if (const QModelIndex index = m_historyView->currentIndex(); index.isValid())
            showBeside(m_history->at(index.row()));
    });
    m_historyView->addActions({show, beside});
    addDock("history", tr("Runs"), m_historyView);
    addDock("compare", tr("Masks compared"), scrolled(new MaskCompareView(m_store, m_dense, m_selection, this)));
}

/// How many panels stand above each other: as many as the window has lines of text for.
int MainWindow::stacksThatFit(const QString& preset) const {
    const int lines =
        height() / std::max(1, fontMetrics().height()) - (preset == "analysis" ? 12 : 0);  // below is the timeline
    return lines >= 58 ? 3 : lines >= 40 ? 2 : 1;
}

void MainWindow::arrange(const QString& preset) {
    for (QDockWidget* dock : m_docks) {
        removeDockWidget(dock);
        dock->setFloating(false);
    }
    const auto place = [this](const QString& id, Qt::DockWidgetArea area, const QString& tabWith = {}) {
        QDockWidget* dock = m_docks.value(id);
        addDockWidget(area, dock);
        if (QDockWidget* other = m_docks.value(tabWith)) tabifyDockWidget(other, dock);
        dock->show();
    };
    m_layoutStacks = stacksThatFit(preset);
    const int stacks = preset == "presentation" ? 1
                       : preset == "inspect"    ? std::min(2, m_layoutStacks)
                                                : m_layoutStacks;
    const bool timeline = preset == "analysis" && stacks > 1;
    const QString second = stacks > 1 ? QString() : QStringLiteral("mask"),
                  third = stacks > 2 ? QString() : QStringLiteral("throughput");
    place("mask", Qt::RightDockWidgetArea);
    if (preset != "presentation") {
        place("throughput", Qt::RightDockWidgetArea, second);
        place("graph", Qt::RightDockWidgetArea, "throughput");
        place("spans", Qt::RightDockWidgetArea, third);
        place("inspector", Qt::RightDockWidgetArea, "spans");
        place("history", Qt::RightDockWidgetArea, "spans");
        place("probe", Qt::RightDockWidgetArea, "mask");
    }
    if (timeline) place("timeline", Qt::BottomDockWidgetArea);
    else if (preset == "analysis") place("timeline", Qt::RightDockWidgetArea, "mask");
    QStringList front{"throughput", "mask"};
    if (stacks > 2) front.prepend("spans");
    if (preset == "inspect") front = QStringList{"spans", "probe"};
    if (preset != "presentation")
        for (const QString& id : front) m_docks.value(id)->raise();
    // Most of the height for the mask, the rest for figures and tables.
    const QList<QDockWidget*> column =
        stacks > 2   ? QList<QDockWidget*>{m_docks["mask"], m_docks["throughput"], m_docks["spans"]}
        : stacks > 1 ? QList<QDockWidget*>{m_docks["mask"], m_docks["throughput"]}
                     : QList<QDockWidget*>{m_docks["mask"]};
    const QList<int> shares = stacks > 2            ? QList<int>{42, 33, 25}
                              : stacks < 2          ? QList<int>{100}
                              : preset == "inspect" ? QList<int>{74, 26}
                                                    : QList<int>{56, 44};
    QList<int> heights;
    for (const int share : shares) heights << height() * share / 100;
    resizeDocks(column, heights, Qt::Vertical);
    if (timeline) resizeDocks({m_docks["timeline"]}, {fontMetrics().height() * 11}, Qt::Vertical);
    QList<QDockWidget*> right;
    QList<int> widths;
    for (QDockWidget* dock : m_docks)
        if (dockWidgetArea(dock) == Qt::RightDockWidgetArea) {
            right << dock;
            widths << width() * (preset == "inspect" ? 52 : 45) / 100;
        }
    resizeDocks(right, widths, Qt::Horizontal);
    for (const char* id : {"compare", "timeline"}) {  // at hand, but not in the way
        QDockWidget* dock = m_docks.value(id);
        if (!dock || dockWidgetArea(dock) != Qt::NoDockWidgetArea) continue;
        addDockWidget(Qt::RightDockWidgetArea, dock);
        tabifyDockWidget(m_docks["mask"], dock);
        dock->hide();
    }
}

void MainWindow::setLayoutPreset(const QString& name) {
    saveLayout();
    m_layoutName = name;
    if (name == "presentation" && m_zoom < 1.4) setZoom(1.5);
    else if (name != "presentation" && m_zoom > 1.4) setZoom(1);
    arrange(name);
    QSettings settings;
    const QByteArray state = settings.value(layoutKey()).toByteArray();
    if (!state.isEmpty()) restoreState(state, kSettingsVersion);
    showMessage(tr("Layout: %1").arg(name));
}

void MainWindow::raisePanel(const QString& id) {
    QDockWidget* dock = m_docks.value(id);
    if (!dock) return;
    dock->show();
    dock->raise();
}

/// What a person arranged in a tall window is not forced upon a low one.
QString MainWindow::layoutKey() const { return QStringLiteral("layout/%1-%2").arg(m_layoutName).arg(m_layoutStacks); }

void MainWindow::saveLayout() { QSettings().setValue(layoutKey(), saveState(kSettingsVersion)); }

void MainWindow::readSettings() {
    QSettings settings;
    restoreGeometry(settings.value("window/geometry").toByteArray());
    m_theme = ThemeChoice(std::clamp(settings.value("window/theme", 0).toInt(), 0, 2));
    action(m_theme == ThemeChoice::Dark    ? "themeDark"
           : m_theme == ThemeChoice::Light ? "themeLight"
                                           : "themeSystem")
        ->setChecked(true);
    m_zoom = std::clamp(settings.value("window/zoom", 1.0).toDouble(), 0.6, 3.0);
    applyThemeChoice();
    m_layoutName = settings.value("window/layout", "demo").toString();
    arrange(m_layoutName);
    const QByteArray state = settings.value(layoutKey()).toByteArray();
    if (!state.isEmpty()) restoreState(state, kSettingsVersion);
    m_device = DeviceChoice(std::clamp(settings.value("model/device", 0).toInt(), 0, 3));
}

void MainWindow::writeSettings() {
    saveLayout();
    QSettings settings;
    settings.setValue("window/geometry", saveGeometry());
    settings.setValue("window/layout", m_layoutName);
    settings.setValue("window/theme", int(m_theme));
    settings.setValue("window/zoom", m_zoom);
    settings.setValue("model/device", int(m_device));
}

void MainWindow::closeEvent(QCloseEvent* event) {
    emit stopRequested();
    emit loadCancelRequested();
    writeSettings();
    QMainWindow::closeEvent(event);
}

}  // namespace spanscope
