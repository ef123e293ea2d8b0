// Every action of the window by its name: text, shortcuts, tooltip. Menus and the sheet of shortcuts are made from
// what is registered here. GUI thread.
#pragma once

#include <QKeySequence>
#include <QMap>
#include <QObject>
#include <QPair>
#include <QVector>
#include <functional>

class QAction;
class QMainWindow;
class QMenu;
class QWidget;

namespace spanscope {

class WindowActions : public QObject {
    Q_OBJECT
  public:
    explicit WindowActions(QMainWindow* window);

    QAction* add(const QString& id, const QString& text, const QList<QKeySequence>& keys, const QString& tip,
                 const std::function<void()>& run);
    /// One that somebody else made.
    void add(const QString& id, QAction* action);
    QAction* action(const QString& id) const { return m_actions.value(id); }
    QStringList ids() const { return m_actions.keys(); }

    /// A menu of the menu bar; an empty name is a separator.
    QMenu* addMenu(const QString& title, const QStringList& ids);
    /// The keys of a view are listed, too. It outlives this.
    void addKeys(const QString& title, const QWidget* view);
    void showShortcuts() const;

  private:
    QMainWindow* m_window;
    QMap<QString, QAction*> m_actions;
    QVector<QPair<QString, QStringList>> m_menus;  ///< title, names
    QVector<QPair<QString, const QWidget*>> m_views;
};

}  // namespace spanscope
