// Makes the actions of a view: their keys work while the view has the focus, and every tooltip names its key.
#pragma once

#include <QAction>
#include <QKeySequence>
#include <QWidget>
#include <utility>

namespace spanscope {

class ViewActions {
  public:
    /// context: Qt::WidgetShortcut, or WidgetWithChildrenShortcut for a view that is made of several widgets.
    ViewActions(QWidget* view, Qt::ShortcutContext context) : m_view(view), m_context(context) {}

    /// Owned by the view and in its list of actions.
    template <class Slot>
    QAction* operator()(const QString& text, const QKeySequence& key, const QString& tip, Slot&& slot) const {
        auto* action = new QAction(text, m_view);
        action->setShortcut(key);
        action->setShortcutContext(m_context);
        action->setToolTip(tip + QStringLiteral(" (") + key.toString(QKeySequence::NativeText) + ')');
        QObject::connect(action, &QAction::triggered, m_view, std::forward<Slot>(slot));
        m_view->addAction(action);
        return action;
    }

    /// The slot takes a bool; it is not called for the state at the start.
    template <class Slot>
    QAction* checkable(const QString& text, const QKeySequence& key, const QString& tip, bool checked,
                       Slot&& slot) const {
        QAction* action = (*this)(text, key, tip, std::forward<Slot>(slot));
        action->setCheckable(true);
        action->setChecked(checked);
        return action;
    }

  private:
    QWidget* m_view;
    Qt::ShortcutContext m_context;
};

}  // namespace spanscope
