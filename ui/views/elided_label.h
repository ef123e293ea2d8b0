// A line of text that ends in an ellipsis where there is no room for all of it; text() and the tooltip have the whole.
// GUI thread.
#pragma once

#include <QLabel>
#include <QPainter>

#include "ui/model/shown_text.h"

namespace spanscope {

class ElidedLabel : public QLabel {
  public:
    explicit ElidedLabel(QWidget* parent) : QLabel(parent) {
        setTextFormat(Qt::PlainText);
        setMinimumWidth(1);
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(this);
        const QRect room = contentsRect();
        const QString shown = fontMetrics().elidedText(text(), Qt::ElideRight, room.width());
        setToolTip(shown == text() ? QString() : plainToolTip(text()));
        painter.setPen(palette().color(foregroundRole()));
        painter.drawText(room, Qt::AlignVCenter | Qt::AlignLeft | Qt::TextSingleLine, shown);
    }
};

}  // namespace spanscope
