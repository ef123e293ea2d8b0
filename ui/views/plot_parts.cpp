#include "ui/views/plot_parts.h"

#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/model/format.h"
#include "ui/views/mask/mask_geometry.h"

namespace spanscope {

float pooled(const std::vector<float>& values, int x, int width) {
    const size_t n = values.size(), from = n * static_cast<size_t>(x) / static_cast<size_t>(width);
    const size_t to = std::max(from + 1, n * static_cast<size_t>(x + 1) / static_cast<size_t>(width));
    float most = 0;
    for (size_t i = from; i < std::min(to, n); ++i) most = std::max(most, values[i]);
    return most;
}

void fillColumns(QPainter& p, double left, double base, double unit, const std::vector<double>& heights,
                 const QColor& color) {
    QPolygonF shape{{left, base}};
    for (size_t i = 0; i < heights.size(); ++i) {
        if (i > 0 && heights[i] == heights[i - 1]) {
            shape.last().rx() += unit;
            continue;
        }
        shape << QPointF(left + double(i) * unit, base - heights[i])
              << QPointF(left + double(i + 1) * unit, base - heights[i]);
    }
    shape << QPointF(left + double(heights.size()) * unit, base);
    p.setPen(Qt::NoPen);
    p.setBrush(color);
    p.drawPolygon(shape);
    p.setBrush(Qt::NoBrush);
}

double largest(const std::vector<float>& values) {
    return values.empty() ? 0 : double(*std::max_element(values.begin(), values.end()));
}

void drawTicks(QPainter& p, const QRectF& plot, int n, const Palette& c) {
    const QFontMetricsF metrics(p.font());
    const double perCell = plot.width() / std::max(1, n);
    for (const MaskTick& tick : niceTicks({0, n}, perCell, metrics.horizontalAdvance("000000"))) {
        const double x = plot.left() + (tick.cell + 0.5) * perCell;
        p.setPen(QPen(tick.major ? c.inkSoft : c.grid, 1));
        p.drawLine(QPointF(x, plot.bottom() + 1), QPointF(x, plot.bottom() + (tick.major ? 5 : 3)));
        if (tick.major)
            p.drawText(QRectF(x - 40, plot.bottom() + 5, 80, metrics.height()), Qt::AlignCenter,
                       QString::number(tick.cell));
    }
}

void drawLevels(QPainter& p, const QRectF& plot, double base, double top, double most, const Palette& c,
                const std::function<QString(double)>& text) {
    if (most <= 0) return;
    const double height = QFontMetricsF(p.font()).height();
    double before = base + 2 * height;
    for (const double share : {0.0, 0.0625, 0.25, 0.5625, 1.0}) {
        const double y = base + (top - base) * std::sqrt(share);
        if (std::abs(y - before) < height) continue;
        before = y;
        p.setPen(QPen(c.grid, 1));
        p.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y));
        p.setPen(c.inkSoft);
        p.drawText(QRectF(plot.left() - kAxis, y - height / 2, kAxis - 6, height), Qt::AlignRight | Qt::AlignVCenter,
                   text(share * most));
    }
}

void drawUpward(QPainter& p, const QRectF& plot, double x, const QString& name, const Palette& c) {
    p.save();
    p.setPen(c.ink);
    p.translate(x, plot.center().y());
    p.rotate(-90);
    p.drawText(QRectF(-plot.height() / 2, -9, plot.height(), 18), Qt::AlignCenter, name);
    p.restore();
}

void drawSwatch(QPainter& p, double& x, double y, const QColor& color, const QString& name, const Palette& c) {
    p.setPen(QPen(c.inkSoft, 0.6));
    p.setBrush(color);
    p.drawRect(QRectF(x, y, 13, 13));
    p.setBrush(Qt::NoBrush);
    p.setPen(c.ink);
    p.drawText(QPointF(x + 18, y + 11), name);
    x += 18 + QFontMetricsF(p.font()).horizontalAdvance(name) + 18;
}

void drawFitted(QPainter& p, QPointF at, double wanted, double room, const std::function<void()>& draw) {
    p.save();
    if (wanted > room && room > 0) {
        p.translate(at);
        p.scale(room / wanted, room / wanted);
        p.translate(-at);
    }
    draw();
    p.restore();
}

AxisNumbers::AxisNumbers(double most) {
    if (!std::isfinite(most) || most <= 0) return;
    const int power = static_cast<int>(std::floor(std::log10(most)));
    if (power < -1 || power > 5) exponent = static_cast<int>(std::floor(power / 3.0)) * 3;
}

QString AxisNumbers::text(double value) const {
    return value == 0 ? QStringLiteral("0") : formatNumber(value * std::pow(10.0, -exponent));
}

QString AxisNumbers::name(const QString& unit) const {
    if (exponent == 0) return unit;
    QString power;
    for (const QChar digit : QString::number(exponent)) {
        static constexpr char16_t kSuper[] = u"\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
        power += digit == '-' ? QChar(u'\u207b') : QChar(kSuper[digit.digitValue()]);
    }
    return QStringLiteral("10%1 %2").arg(power, unit);
}

QColor inkOn(const QColor& ground, const Palette& c) {
    const double luminance = 0.2126 * ground.redF() + 0.7152 * ground.greenF() + 0.0722 * ground.blueF();
    return (luminance < 0.5) == c.dark ? c.ink : c.dark ? c.ground : QColor(Qt::white);
}

}  // namespace spanscope
