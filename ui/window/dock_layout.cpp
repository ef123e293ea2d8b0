#include "ui/window/dock_layout.h"

#include <QAction>
#include <QContextMenuEvent>
#include <QDockWidget>
#include <QGuiApplication>
#include <QLayout>
#include <QMainWindow>
#include <QMenu>
#include <QScreen>
#include <QSettings>
#include <QStyle>
#include <QTabBar>
#include <algorithm>
#include <cmath>

#include "ui/window/dock_title.h"

namespace spanscope {

namespace {
constexpr int kStateVersion = 4;  // of saved dock states
/// Those behind another one's tab are kept far outside.
bool inSight(const QDockWidget* dock) { return dock->isVisible() && dock->geometry().right() > 0; }

constexpr double kLeastShare = 0.15, kMostShare = 0.85, kSideBySideShare = 0.6;
}  // namespace

DockLayout::DockLayout(QMainWindow* window) : QObject(window), m_window(window) {
    // The right area has the whole height, what is below the text only its width.
    m_window->setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    m_window->setCorner(Qt::TopRightCorner, Qt::RightDockWidgetArea);
    m_window->setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    m_window->installEventFilter(this);
    m_settle.setSingleShot(true);
    m_settle.setInterval(0);
    connect(&m_settle, &QTimer::timeout, this, [this] {
        fitTitles();
        fitColumn();
    });
}

QAction* DockLayout::add(const QString& id, const QString& title, QWidget* view) {
    auto* dock = new QDockWidget(title, m_window);
    dock->setObjectName("dock." + id);
    dock->setWidget(view);
    dock->setFeatures(QDockWidget::DockWidgetClosable | QDockWidget::DockWidgetMovable |
                      QDockWidget::DockWidgetFloatable);
    dock->setTitleBarWidget(new DockTitle(title, dock));
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
    const auto settle = [this] { m_settle.start(); };
    connect(dock, &QDockWidget::visibilityChanged, this, settle);
    connect(dock, &QDockWidget::topLevelChanged, this, settle);
    connect(dock, &QDockWidget::dockLocationChanged, this, settle);
    return toggle;
}

void DockLayout::arrange() {
    const DockArrangement wanted = dockArrangement(m_preset, m_room);
    for (QDockWidget* dock : m_docks) {
        if (dock->isFloating()) dock->setFloating(false);  // while the window still has it: else it floats on
        m_window->removeDockWidget(dock);
    }
    QList<QDockWidget*> column;
    QList<int> heights;
    for (const DockGroup& group : wanted.groups) {
        QDockWidget* first = nullptr;
        for (const QString& id : group.ids) {
            QDockWidget* dock = m_docks.value(id);
            if (!dock) continue;
            m_window->addDockWidget(group.area, dock, Qt::Vertical);
            if (first) m_window->tabifyDockWidget(first, dock);
            else first = dock;
            dock->setVisible(!group.away.contains(id));
        }
        if (QDockWidget* front = m_docks.value(group.front)) {
            front->raise();
            if (group.area != Qt::RightDockWidgetArea) continue;
            column << front;
            heights << qRound(m_window->height() * group.share);
        }
    }
    m_column = wanted.column;
    m_foot = wanted.foot;
    fitTitles();
    m_window->resizeDocks(column, heights, Qt::Vertical);
    applyShares();
}

bool DockLayout::stands(QDockWidget* dock, Qt::DockWidgetArea area) const {
    return !dock->isHidden() && !dock->isFloating() && m_window->dockWidgetArea(dock) == area;
}

QList<QDockWidget*> DockLayout::standing(Qt::DockWidgetArea area) const {
    QList<QDockWidget*> list;
    for (QDockWidget* dock : m_docks)
        if (stands(dock, area)) list << dock;
    return list;
}

void DockLayout::fitColumn() {
    const bool beside = !standing(Qt::RightDockWidgetArea).isEmpty() || !standing(Qt::LeftDockWidgetArea).isEmpty();
    QWidget* text = m_window->centralWidget();
    const int most =
        beside ? std::max(widestColumn(m_zoom, m_sideBySide), text->minimumSizeHint().width()) : QWIDGETSIZE_MAX;
    if (text->maximumWidth() != most) text->setMaximumWidth(most);
}

int DockLayout::columnWidth() const {
    const double share = m_sideBySide ? std::max(m_column, kSideBySideShare) : m_column;
    return std::min(qRound(m_size.width() * share), m_window->centralWidget()->maximumWidth());
}

int DockLayout::footHeight() const { return qRound(m_size.height() * m_foot); }

void DockLayout::applyShares() {
    fitColumn();
    m_size = m_window->size();
    const int line = m_window->style()->pixelMetric(QStyle::PM_DockWidgetSeparatorExtent, nullptr, m_window);
    const auto resizeAll = [this](Qt::DockWidgetArea area, int size, Qt::Orientation way) {
        const QList<QDockWidget*> docks = standing(area);
        if (!docks.isEmpty()) m_window->resizeDocks(docks, QList<int>(docks.size(), size), way);
    };
    resizeAll(Qt::RightDockWidgetArea, m_size.width() - columnWidth() - line, Qt::Horizontal);
    resizeAll(Qt::BottomDockWidgetArea, footHeight(), Qt::Vertical);
}

void DockLayout::takeShares() {
    constexpr int kRounding = 3;  // px: what borders and whole pixels make of a share is no wish
    m_window->layout()->activate();
    const QRect text = m_window->centralWidget()->geometry();
    if (!m_window->isVisible() || m_size != m_window->size() || m_size.isEmpty()) return;
    if (!m_sideBySide && !standing(Qt::RightDockWidgetArea).isEmpty() &&
        std::abs(text.width() - columnWidth()) > kRounding)
        m_column = std::clamp(double(text.width()) / m_size.width(), kLeastShare, kMostShare);
    int bottom = -1;
    for (const QDockWidget* dock : standing(Qt::BottomDockWidgetArea))
        if (inSight(dock)) bottom = std::max(bottom, dock->geometry().bottom());
    if (const int foot = bottom - text.bottom(); bottom >= 0 && std::abs(foot - footHeight()) > kRounding)
        m_foot = std::clamp(double(foot) / m_size.height(), kLeastShare / 2, kMostShare);
}

void DockLayout::fitTitles() {
    for (QDockWidget* dock : m_docks) {
        const QList<QDockWidget*> tabs = m_window->tabifiedDockWidgets(dock);
        const bool tabbed = !dock->isFloating() && std::any_of(tabs.begin(), tabs.end(), [](const QDockWidget* other) {
            return !other->isHidden() && !other->isFloating();
        });
        static_cast<DockTitle*>(dock->titleBarWidget())->setSlim(tabbed);
    }
}

void DockLayout::setPreset(const QString& name) {
    saveState();
    m_preset = name;
    emit choosing(name);
    m_room = dockRoom(m_window->height(), m_window->fontMetrics().height());
    if (!restoreState()) arrange();
}

void DockLayout::reset() {
    m_room = dockRoom(m_window->height(), m_window->fontMetrics().height());
    arrange();
    saveState();
}

void DockLayout::raise(const QString& id) {
    QDockWidget* dock = m_docks.value(id);
    if (!dock) return;
    const Qt::DockWidgetArea area = m_window->dockWidgetArea(dock);
    const bool first = standing(area).isEmpty();
    dock->show();
    dock->raise();
    fitTitles();
    if (first) applyShares();
}

void DockLayout::setZoom(double zoom) {
    m_zoom = zoom;
    fitColumn();
}

void DockLayout::setSideBySide(bool on) {
    if (m_sideBySide == on) return;
    m_sideBySide = on;
    applyShares();
}

bool DockLayout::isBehindTab(const QWidget* widget) const {
    if (widget->parentWidget() == m_window && widget->geometry().right() < 0) return true;  // tabs of no panel
    return std::any_of(m_docks.begin(), m_docks.end(), [widget](const QDockWidget* dock) {
        return dock->isAncestorOf(widget) && !dock->isFloating() && !inSight(dock);
    });
}

void DockLayout::nameTabs(QTabBar* tabs) {
    tabs->setAccessibleName(tr("Panels"));
    tabs->setElideMode(Qt::ElideNone);
    tabs->setUsesScrollButtons(true);
    tabs->installEventFilter(this);
}

QDockWidget* DockLayout::ofTab(const QTabBar* tabs, const QPoint& at) const {
    const QString title = tabs->tabText(tabs->tabAt(at));
    for (QDockWidget* dock : m_docks)
        if (!title.isEmpty() && dock->windowTitle() == title) return dock;
    return nullptr;
}

bool DockLayout::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_window) {
        if (event->type() == QEvent::Resize && m_size.isValid() && m_size != m_window->size()) applyShares();
        if (event->type() == QEvent::MouseButtonRelease) takeShares();  // of a line between panels
        return false;
    }
    const auto* tabs = qobject_cast<QTabBar*>(watched);
    if (!tabs) return false;
    if (event->type() == QEvent::ContextMenu) {
        auto* asked = static_cast<QContextMenuEvent*>(event);
        QDockWidget* dock = ofTab(tabs, asked->pos());
        if (!dock) return false;
        QMenu menu(m_window);
        menu.addAction(tr("Hide %1").arg(dock->windowTitle()), dock, &QDockWidget::close);
        menu.addAction(tr("Float"), dock, [dock] { dock->setFloating(true); });
        menu.exec(asked->globalPos());
        return true;
    }
    if (event->type() == QEvent::MouseButtonDblClick) {
        if (QDockWidget* dock = ofTab(tabs, static_cast<QMouseEvent*>(event)->position().toPoint())) {
            dock->setFloating(true);
            return true;
        }
    }
    return false;
}

// ---- what is remembered

/// What a person arranged in a tall window is not forced upon a low one.
QString DockLayout::settingsKey() const { return QStringLiteral("layout/%1-%2").arg(m_preset).arg(int(m_room)); }

QVariantMap DockLayout::state() const {
    QVariantMap heights;
    for (auto it = m_docks.begin(); it != m_docks.end(); ++it)
        if (stands(it.value(), Qt::RightDockWidgetArea) && inSight(it.value()))
            heights.insert(it.key(), double(it.value()->height()) / std::max(1, m_window->height()));
    return {{"docks", m_window->saveState(kStateVersion)},
            {"column", m_column},
            {"foot", m_foot},
            {"window", m_window->size()},
            {"heights", heights}};
}

/// Two windows at once: one that changed nothing leaves what the other wrote.
void DockLayout::saveState() {
    takeShares();
    const QVariant now = state();
    if (m_remembered.value(settingsKey()) == now) return;
    m_remembered[settingsKey()] = now;
    QSettings().setValue(settingsKey(), now);
}

bool DockLayout::restoreState() {
    QVariant& remembered = m_remembered[settingsKey()];
    if (!remembered.isValid()) remembered = QSettings().value(settingsKey());
    const QVariantMap saved = remembered.toMap();
    const QByteArray docks = saved.value("docks").toByteArray();
    if (docks.isEmpty()) return false;
    fitColumn();
    if (!m_window->restoreState(docks, kStateVersion)) return false;
    m_column = saved.value("column", m_column).toDouble();
    m_foot = saved.value("foot", m_foot).toDouble();
    fitTitles();
    if (saved.value("window").toSize() != m_window->size()) {
        QList<QDockWidget*> column;
        QList<int> heights;
        const QVariantMap shares = saved.value("heights").toMap();
        for (auto it = shares.begin(); it != shares.end(); ++it)
            if (QDockWidget* dock = m_docks.value(it.key())) {
                column << dock;
                heights << qRound(it.value().toDouble() * m_window->height());
            }
        m_window->resizeDocks(column, heights, Qt::Vertical);
    }
    applyShares();
    keepFloatingOnScreens();
    return true;
}

void DockLayout::keepFloatingOnScreens() {
    QList<QRect> screens;
    for (const QScreen* screen : QGuiApplication::screens()) screens << screen->availableGeometry();
    for (QDockWidget* dock : m_docks)
        if (dock->isFloating() && !screens.isEmpty()) dock->setGeometry(fittedToScreens(dock->geometry(), screens));
}

void DockLayout::windowShown() {
    keepFloatingOnScreens();
    for (QDockWidget* dock : m_docks)
        if (dock->isFloating() && !dock->isHidden()) {  // it was there before the window it belongs to
            dock->hide();
            dock->show();
            dock->raise();
        }
}

void DockLayout::readSettings() {
    m_preset = QSettings().value("window/layout", "demo").toString();
    m_remembered["window/layout"] = m_preset;
    emit choosing(m_preset);
    m_room = dockRoom(m_window->height(), m_window->fontMetrics().height());
    if (!restoreState()) arrange();
}

void DockLayout::writeSettings() {
    saveState();
    if (m_remembered.value("window/layout") != m_preset) QSettings().setValue("window/layout", m_preset);
}

}  // namespace spanscope
