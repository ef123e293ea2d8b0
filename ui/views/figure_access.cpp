#include "ui/views/figure_access.h"

#include <QAccessibleWidget>
#include <QAction>
#include <QVariant>

namespace spanscope {

namespace {

const char* const kMark = "spanscopeFigure";

/// Its actions too: who cannot press T asks for "Show as table" by name.
class FigureAccess : public QAccessibleWidget {
  public:
    explicit FigureAccess(QWidget* figure) : QAccessibleWidget(figure, QAccessible::Chart) {}

    QStringList actionNames() const override {
        QStringList names = QAccessibleWidget::actionNames();
        for (const QAction* action : widget()->actions())
            if (action->isEnabled()) names << QString(action->text()).remove('&');
        return names;
    }
    void doAction(const QString& name) override {
        for (QAction* action : widget()->actions())
            if (action->isEnabled() && QString(action->text()).remove('&') == name) return action->trigger();
        QAccessibleWidget::doAction(name);
    }
};

QAccessibleInterface* accessOf(const QString&, QObject* object) {
    auto* widget = qobject_cast<QWidget*>(object);
    return widget && isFigure(widget) ? new FigureAccess(widget) : nullptr;
}

}  // namespace

bool isFigure(const QWidget* widget) { return widget->property(kMark).toBool(); }

void describeAsFigure(QWidget* figure) {
    figure->setProperty(kMark, true);
    QAccessible::installFactory(accessOf);  // once, however often it is asked for
    // A name that was set before made an interface of another kind already.
    if (QAccessibleInterface* made = QAccessible::queryAccessibleInterface(figure))
        QAccessible::deleteAccessibleInterface(QAccessible::uniqueId(made));
}

}  // namespace spanscope
