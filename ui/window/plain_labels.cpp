#include "ui/window/plain_labels.h"

#include <QApplication>
#include <QEvent>
#include <QLabel>

namespace spanscope {

namespace {

class PlainLabels : public QObject {
  public:
    using QObject::QObject;
    /// Polished: made, and not measured yet.
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() != QEvent::Polish) return false;
        auto* label = qobject_cast<QLabel*>(watched);
        if (label && label->textFormat() == Qt::AutoText && !label->inherits("QTipLabel"))
            label->setTextFormat(Qt::PlainText);
        return false;
    }
};

}  // namespace

void showLabelsAsPlainText() {
    static PlainLabels* labels = nullptr;
    if (labels) return;
    labels = new PlainLabels(qApp);
    qApp->installEventFilter(labels);
}

}  // namespace spanscope
