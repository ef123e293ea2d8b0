#include "ui/window/dock_layout.h"

#include <QAction>
#include <QDockWidget>
#include <QHBoxLayout>
#include <QLabel>
#include <QMainWindow>
#include <QSettings>
#include <QToolButton>
#include <algorithm>

namespace spanscope {

namespace {
constexpr int kStateVersion = 2;  // of saved dock states
}

DockLayout::DockLayout(QMainWindow* window) : QObject(window), m_window(window) {}

QAction* DockLayout::add(const QString& id, const QString& title, QWidget* view) {
    auto* dock = new QDockWidget(title, m_window);
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
    auto* toggle = new QAction(title, m_window);
    toggle->setCheckable(true);
    if (number <= 9) toggle->setShortcut(QKeySequence(QStringLiteral("Ctrl+%1").arg(number)));
    toggle->setToolTip(tr("Show or hide %1").arg(title));
    connect(dock, &QDockWidget::visibilityChanged, toggle, &QAction::setChecked);
    connect(toggle, &QAction::triggered, this, [this, id](bool on) {
        if (on) raise(id);
        else m_docks.value(id)->close();
    });
    return toggle;
}

/// How many panels stand above each other: as many as the window has lines of text for.
int DockLayout::stacksThatFit() const {
    const int lines = m_window->height() / std::max(1, m_window->fontMetrics().height()) -
                      (m_preset == "analysis" ? 12 : 0);  // below is the timeline
    return lines >= 58 ? 3 : lines >= 40 ? 2 : 1;
}

void DockLayout::arrange() {
    for (QDockWidget* dock : m_docks) {
        m_window->removeDockWidget(dock);
        dock->setFloating(false);
    }
    const auto place = [this](const QString& id, Qt::DockWidgetArea area, const QString& tabWith = {}) {
        QDockWidget* dock = m_docks.value(id);
        m_window->addDockWidget(area, dock);
        if (QDockWidget* other = m_docks.value(tabWith)) m_window->tabifyDockWidget(other, dock);
        dock->show();
    };
    m_stacks = stacksThatFit();
    const int stacks = m_preset == "presentation" ? 1 : m_preset == "inspect" ? std::min(2, m_stacks) : m_stacks;
    const bool timeline = m_preset == "analysis" && stacks > 1;
    const QString second = stacks > 1 ? QString() : QStringLiteral("mask"),
                  third = stacks > 2 ? QString() : QStringLiteral("throughput");
    place("mask", Qt::RightDockWidgetArea);
    if (m_preset != "presentation") {
        place("throughput", Qt::RightDockWidgetArea, second);
        place("graph", Qt::RightDockWidgetArea, "throughput");
        place("spans", Qt::RightDockWidgetArea, third);
        place("inspector", Qt::RightDockWidgetArea, "spans");
        place("history", Qt::RightDockWidgetArea, "spans");
        place("probe", Qt::RightDockWidgetArea, "mask");
        if (m_preset == "inspect") place("reach", Qt::RightDockWidgetArea, "probe");
    }
    if (timeline) place("timeline", Qt::BottomDockWidgetArea);
    else if (m_preset == "analysis") place("timeline", Qt::RightDockWidgetArea, "mask");
    QStringList front{"throughput", "mask"};
    if (stacks > 2) front.prepend("spans");
    if (m_preset == "inspect") front = QStringList{"spans", "probe"};
    if (m_preset != "presentation")
        for (const QString& id : front) m_docks.value(id)->raise();
    // Most of the height for the mask, the rest for figures and tables.
    const QList<QDockWidget*> column =
        stacks > 2   ? QList<QDockWidget*>{m_docks["mask"], m_docks["throughput"], m_docks["spans"]}
        : stacks > 1 ? QList<QDockWidget*>{m_docks["mask"], m_docks["throughput"]}
                     : QList<QDockWidget*>{m_docks["mask"]};
    const QList<int> shares = stacks > 2              ? QList<int>{42, 33, 25}
                              : stacks < 2            ? QList<int>{100}
                              : m_preset == "inspect" ? QList<int>{74, 26}
                                                      : QList<int>{56, 44};
    QList<int> heights;
    for (const int share : shares) heights << m_window->height() * share / 100;
    m_window->resizeDocks(column, heights, Qt::Vertical);
    if (timeline) m_window->resizeDocks({m_docks["timeline"]}, {m_window->fontMetrics().height() * 11}, Qt::Vertical);
    QList<QDockWidget*> right;
    QList<int> widths;
    for (QDockWidget* dock : m_docks)
        if (m_window->dockWidgetArea(dock) == Qt::RightDockWidgetArea) {
            right << dock;
            widths << m_window->width() * (m_preset == "inspect" ? 52 : 45) / 100;
        }
    m_window->resizeDocks(right, widths, Qt::Horizontal);
    for (const char* id : {"compare", "timeline", "reach"}) {  // at hand, but not in the way
        QDockWidget* dock = m_docks.value(id);
        if (!dock || m_window->dockWidgetArea(dock) != Qt::NoDockWidgetArea) continue;
        m_window->addDockWidget(Qt::RightDockWidgetArea, dock);
        m_window->tabifyDockWidget(m_docks["mask"], dock);
        dock->hide();
    }
}

void DockLayout::setPreset(const QString& name) {
    saveState();
    m_preset = name;
    emit choosing(name);
    arrange();
    restoreState();
}

void DockLayout::raise(const QString& id) {
    QDockWidget* dock = m_docks.value(id);
    if (!dock) return;
    dock->show();
    dock->raise();
}

/// What a person arranged in a tall window is not forced upon a low one.
QString DockLayout::settingsKey() const { return QStringLiteral("layout/%1-%2").arg(m_preset).arg(m_stacks); }

void DockLayout::saveState() const { QSettings().setValue(settingsKey(), m_window->saveState(kStateVersion)); }

void DockLayout::restoreState() {
    const QByteArray state = QSettings().value(settingsKey()).toByteArray();
    if (!state.isEmpty()) m_window->restoreState(state, kStateVersion);
}

void DockLayout::readSettings() {
    m_preset = QSettings().value("window/layout", "demo").toString();
    arrange();
    restoreState();
}

void DockLayout::writeSettings() const {
    saveState();
    QSettings().setValue("window/layout", m_preset);
}

}  // namespace spanscope
