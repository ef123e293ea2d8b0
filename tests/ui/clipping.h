// What a person cannot read or reach: widgets that stick out of their parents, text that has no room. For tests.
#pragma once

#include <QAbstractButton>
#include <QAbstractScrollArea>
#include <QComboBox>
#include <QDockWidget>
#include <QLabel>
#include <QTabBar>
#include <QWidget>

namespace spanscope::sample {

inline bool scrolls(const QWidget* widget) {  // inside a scroll area nothing is lost
    for (const QWidget* p = widget; p; p = p->parentWidget())
        if (const auto* area = qobject_cast<const QAbstractScrollArea*>(p->parentWidget());
            area && area->viewport() == p)
            return true;
    return false;
}

/// Of a panel that stands behind another's tab: Qt moves those far outside.
inline bool behindTab(const QWidget* widget) {
    for (const QWidget* p = widget; p; p = p->parentWidget())
        if ((qobject_cast<const QDockWidget*>(p) || qobject_cast<const QTabBar*>(p)) && p->geometry().right() < 0)
            return true;
    return false;
}

inline QString nameOf(const QWidget* widget) {
    QString text;
    if (const auto* label = qobject_cast<const QLabel*>(widget)) text = label->text();
    if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) text = button->text();
    return QStringLiteral("%1 \"%2\" [%3]").arg(widget->metaObject()->className(), widget->objectName(), text.left(40));
}

/// One sentence for each thing that is cut off. Labels named in `mayCut` give way by design (their text stands in a
/// tooltip or elsewhere too).
inline QStringList clippedParts(const QWidget* root, const QStringList& mayCut) {
    QStringList found;
    for (const QWidget* w : root->findChildren<QWidget*>()) {
        if (!w->isVisible() || w->window() != root || w->objectName().startsWith("qt_") || w->size().isEmpty() ||
            behindTab(w))
            continue;
        const QWidget* parent = w->parentWidget();
        const bool internal = qobject_cast<const QTabBar*>(parent) ||
                              qobject_cast<const QAbstractScrollArea*>(parent) || w->inherits("QSizeGrip") ||
                              w->inherits("QDialogButtonBox") || w->inherits("QRubberBand");
        if (!internal && !scrolls(w) && !parent->rect().contains(w->geometry()))
            found << QStringLiteral("%1 at %2,%3 %4x%5 sticks out of %6, %7x%8")
                         .arg(nameOf(w))
                         .arg(w->x())
                         .arg(w->y())
                         .arg(w->width())
                         .arg(w->height())
                         .arg(nameOf(parent))
                         .arg(parent->width())
                         .arg(parent->height());
        if (const auto* label = qobject_cast<const QLabel*>(w); label && !label->text().isEmpty()) {
            const QSize room = label->size();
            if (mayCut.contains(label->objectName())) {
                const bool cut = !label->wordWrap() && label->sizeHint().width() > room.width() + 1;
                if (cut && label->isVisible() && !label->toolTip().contains(label->text().left(20).toHtmlEscaped()))
                    found << nameOf(label) + QStringLiteral(" is cut, and no tooltip has the whole");
                continue;
            }
            const QSize needed = label->wordWrap() ? QSize(0, label->heightForWidth(room.width())) : label->sizeHint();
            if (needed.width() > room.width() + 1 || needed.height() > room.height() + 1)
                found << QStringLiteral("%1 needs %2x%3 and has %4x%5")
                             .arg(nameOf(label))
                             .arg(needed.width())
                             .arg(needed.height())
                             .arg(room.width())
                             .arg(room.height());
        }
        const bool control = qobject_cast<const QAbstractButton*>(w) && !qobject_cast<const QTabBar*>(parent) &&
                             !w->inherits("QTableCornerButton") && !internal;
        const QSize needed = control                             ? w->sizeHint()
                             : qobject_cast<const QComboBox*>(w) ? w->minimumSizeHint()
                                                                 : QSize();
        if (needed.isValid() && (needed.width() > w->width() + 1 || needed.height() > w->height() + 1))
            found << QStringLiteral("%1 needs %2x%3 and has %4x%5")
                         .arg(nameOf(w))
                         .arg(needed.width())
                         .arg(needed.height())
                         .arg(w->width())
                         .arg(w->height());
    }
    return found;
}

}  // namespace spanscope::sample
