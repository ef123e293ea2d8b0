#include "ui/window/glyph_icon.h"

#include <QIconEngine>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>

namespace spanscope {

namespace {

constexpr double kUnits = 16;  // a glyph is drawn on a square of so many

void drawGlyph(QPainter& p, Glyph glyph, const QColor& color) {
    p.setPen(QPen(color, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    switch (glyph) {
        case Glyph::Run: {
            QPainterPath path;
            path.moveTo(4.5, 3);
            path.lineTo(13, 8);
            path.lineTo(4.5, 13);
            path.closeSubpath();
            p.fillPath(path, color);
            p.drawPath(path);
            break;
        }
        case Glyph::Stop:
            p.setBrush(color);
            p.drawRoundedRect(QRectF(4, 4, 8, 8), 1, 1);
            break;
        case Glyph::Repeat:
            p.drawArc(QRectF(3, 3, 10, 10), 60 * 16, 285 * 16);
            p.drawPolyline(QPolygonF{{7.4, 1.6}, {10.6, 3.6}, {8.6, 6.6}});
            break;
        case Glyph::Open:
            p.drawPolyline(QPolygonF{{2, 12.5}, {2, 4}, {6, 4}, {7.5, 5.5}, {13, 5.5}, {13, 7.5}});
            p.drawPolygon(QPolygonF{{2, 12.5}, {4, 7.5}, {15, 7.5}, {13, 12.5}});
            break;
        case Glyph::Save:
            p.drawPolyline(QPolygonF{{8, 2}, {8, 10}});
            p.drawPolyline(QPolygonF{{4.8, 7}, {8, 10.2}, {11.2, 7}});
            p.drawPolyline(QPolygonF{{2.5, 11}, {2.5, 13.5}, {13.5, 13.5}, {13.5, 11}});
            break;
        case Glyph::Sliders:
            for (const double y : {4.0, 8.0, 12.0}) p.drawLine(QPointF(2.5, y), QPointF(13.5, y));
            p.setBrush(color);
            p.drawEllipse(QPointF(10, 4), 1.6, 1.6);
            p.drawEllipse(QPointF(5.5, 8), 1.6, 1.6);
            p.drawEllipse(QPointF(9, 12), 1.6, 1.6);
            break;
        case Glyph::Model:
            p.drawRoundedRect(QRectF(2.5, 2.5, 11, 11), 2, 2);
            p.drawLine(QPointF(2.5, 6.5), QPointF(13.5, 6.5));
            p.drawLine(QPointF(6.5, 6.5), QPointF(6.5, 13.5));
            break;
        case Glyph::Find:
            p.drawEllipse(QPointF(7, 7), 4, 4);
            p.drawLine(QPointF(10.2, 10.2), QPointF(13.5, 13.5));
            break;
        case Glyph::Close:
            p.drawLine(QPointF(4.5, 4.5), QPointF(11.5, 11.5));
            p.drawLine(QPointF(11.5, 4.5), QPointF(4.5, 11.5));
            break;
        case Glyph::Help:
            p.drawEllipse(QPointF(8, 8), 6, 6);
            p.drawText(QRectF(2, 2, 12, 12), Qt::AlignCenter, "?");
            break;
    }
}

/// Paints strokes at whatever size and scale is asked for; a table of pixmaps would be stretched between its sizes.
class GlyphEngine : public QIconEngine {
  public:
    GlyphEngine(Glyph glyph, const QColor& color, const QColor& disabled)
        : m_glyph(glyph), m_color(color), m_disabled(disabled) {}
    QIconEngine* clone() const override { return new GlyphEngine(*this); }
    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
        const double side = std::min(rect.width(), rect.height());
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        painter->translate(QRectF(rect).center() - QPointF(side, side) / 2);
        painter->scale(side / kUnits, side / kUnits);
        drawGlyph(*painter, m_glyph, mode == QIcon::Disabled ? m_disabled : m_color);
        painter->restore();
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        QPixmap pixmap(size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        paint(&painter, QRect(QPoint(), size), mode, state);
        return pixmap;
    }

  private:
    Glyph m_glyph;
    QColor m_color, m_disabled;
};

}  // namespace

QIcon glyphIcon(Glyph glyph, const QPalette& palette, bool accent) {
    return QIcon(new GlyphEngine(glyph, palette.color(accent ? QPalette::HighlightedText : QPalette::ButtonText),
                                 palette.color(QPalette::Disabled, QPalette::ButtonText)));
}

}  // namespace spanscope
