#include "ui/window/focus_ring.h"

#include <QFocusEvent>
#include <QPainter>

namespace spanscope {

FocusRing::FocusRing(QWidget* around) : QWidget(around) {
    setObjectName("focusRing");
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setAttribute(Qt::WA_NoSystemBackground);
    setFocusPolicy(Qt::NoFocus);
    around->installEventFilter(this);
    hide();
}

bool FocusRing::eventFilter(QObject* watched, QEvent* event) {
    switch (event->type()) {
        case QEvent::FocusIn: {
            const Qt::FocusReason why = static_cast<QFocusEvent*>(event)->reason();
            setGeometry(parentWidget()->rect());
            setVisible(why == Qt::TabFocusReason || why == Qt::BacktabFocusReason || why == Qt::ShortcutFocusReason);
            raise();
            break;
        }
        case QEvent::FocusOut: hide(); break;
        case QEvent::Resize: setGeometry(parentWidget()->rect()); break;
        default: break;
    }
    return QWidget::eventFilter(watched, event);
}

void FocusRing::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
    painter.drawRect(rect().adjusted(1, 1, -1, -1));
}

}  // namespace spanscope
