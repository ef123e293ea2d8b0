#include "ui/window/plain_labels.h"

#include <QApplication>
#include <QEvent>
#include <QLabel>
#include <QTextDocumentFragment>
#include <QVariant>

namespace spanscope {

namespace {

const char* const kSpoken = "spokenToolTip";  // the accessible description is what the tooltip says

class PlainLabels : public QObject {
  public:
    using QObject::QObject;
    /// Polished: made, and not measured yet.
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::Polish) {
            auto* label = qobject_cast<QLabel*>(watched);
            if (label && label->textFormat() == Qt::AutoText && !label->inherits("QTipLabel"))
                label->setTextFormat(Qt::PlainText);
        } else if (event->type() == QEvent::ToolTipChange) {
            if (auto* widget = qobject_cast<QWidget*>(watched)) speakPlainly(widget);
        }
        return false;
    }

  private:
    /// Where a widget has no description of its own Qt gives its tooltip to screen readers, markup and all.
    static void speakPlainly(QWidget* widget) {
        const bool ours = widget->property(kSpoken).toBool();
        if (!ours && !widget->accessibleDescription().isEmpty()) return;
        const bool marked = Qt::mightBeRichText(widget->toolTip());
        if (!ours && !marked) return;
        widget->setProperty(kSpoken, marked);
        widget->setAccessibleDescription(
            marked ? QTextDocumentFragment::fromHtml(widget->toolTip()).toPlainText().replace('\n', ' ') : QString());
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
