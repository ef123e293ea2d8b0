#include "ui/window/window_actions.h"

#include <QAction>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>

#include "ui/window/help_dialogs.h"

namespace spanscope {

WindowActions::WindowActions(QMainWindow* window) : QObject(window), m_window(window) {}

QAction* WindowActions::add(const QString& id, const QString& text, const QList<QKeySequence>& keys, const QString& tip,
                            const std::function<void()>& run) {
    auto* action = new QAction(text, m_window);
    action->setShortcuts(keys);
    action->setToolTip(tip);
    action->setStatusTip(tip);
    if (run) connect(action, &QAction::triggered, this, run);
    add(id, action);
    return action;
}

void WindowActions::add(const QString& id, QAction* action) {
    action->setObjectName(id);
    m_window->addAction(action);
    m_actions.insert(id, action);
}

QMenu* WindowActions::addMenu(const QString& title, const QStringList& ids) {
    QMenu* menu = m_window->menuBar()->addMenu(title);
    menu->setToolTipsVisible(true);
    QStringList listed;
    for (const QString& id : ids) {
        if (id.isEmpty()) menu->addSeparator();
        else if (QAction* a = action(id)) {
            menu->addAction(a);
            listed << id;
        }
    }
    m_menus.append({QString(title).remove('&'), listed});
    return menu;
}

void WindowActions::addKeys(const QString& title, const QWidget* view) { m_views.append({title, view}); }

void WindowActions::showShortcuts() const {
    QVector<ShortcutSheet::Group> groups;
    for (const auto& [title, ids] : m_menus) {
        ShortcutSheet::Group group{title, {}};
        for (const QString& id : ids) group.actions << action(id);
        groups << group;
    }
    for (const auto& [title, view] : m_views) groups << ShortcutSheet::Group{title, view->actions()};
    ShortcutSheet(groups, m_window).exec();
}

}  // namespace spanscope
