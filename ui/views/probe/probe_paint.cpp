#include "ui/views/probe/probe_paint.h"

#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/model/format.h"
#include "ui/model/tint.h"
#include "ui/views/mask/mask_rulers.h"
#include "ui/views/plot_parts.h"

namespace spanscope {

QRectF AttentionPlot::plot() const { return area.adjusted(kAxis, MaskRulers::kTop, -1, -2); }

void AttentionPlot::paint(QPainter& painter) const {
    const QRectF p = plot();
    if (probe.dense.empty() || p.width() < 8 || p.height() < 16) return;
    std::vector<float> dense = probe.dense, declared = probe.restricted;
    declared.resize(dense.size(), 0.0F);
    if (withoutFirst) dense[0] = declared[0] = 0;
    const int n = static_cast<int>(dense.size());
    const double most = std::max({1e-9, largest(dense), largest(declared)}), middle = p.center().y();
    const double half = p.height() / 2;
    if (probe.visible)
        for (const Interval& interval : *probe.visible) {
            const Interval i = clipToQuery(interval, probe.position);
            if (i.begin < i.end)
                painter.fillRect(QRectF(p.left() + p.width() * i.begin / n, p.top(),
                                        std::max(unit, p.width() * (i.end - i.begin) / n), p.height()),
                                 mix(palette.ground, palette.declared, 0.13));
        }
    const AxisNumbers numbers(100 * most);
    const auto percent = [&numbers](double v) { return numbers.text(100 * v); };
    drawLevels(painter, p, middle, p.top() + 6, most, palette, percent);
    drawLevels(painter, p, middle, p.bottom() - 6, most, palette, percent);
    drawUpward(painter, p, area.left() + 9, numbers.name(QStringLiteral("%")), palette);
    const int columns = std::max(1, static_cast<int>(p.width() / unit));
    const double wide = p.width() / columns;
    std::vector<double> up, down;
    for (int x = 0; x < columns; ++x) {
        up.push_back(std::sqrt(double(pooled(dense, x, columns)) / most) * (half - 6));
        down.push_back(-std::sqrt(double(pooled(declared, x, columns)) / most) * (half - 6));
    }
    fillColumns(painter, p.left(), middle, wide, up, palette.dense);
    fillColumns(painter, p.left(), middle, wide, down, palette.declared);
    painter.setPen(QPen(palette.inkSoft, 1));
    painter.drawLine(QPointF(p.left(), middle), QPointF(p.right(), middle));
    const MaskRows none;
    MaskWindow x, y;
    x.extent = columns;
    x.nCells = n;
    x.axis.cellsPerPixel = double(n) / columns;
    const MaskRulers rulers{run, none, palette, x, y, wide, p, -1, -1, true, true, 0};
    rulers.drawTop(painter);
    painter.setPen(palette.inkSoft);
    painter.drawText(QRectF(area.left(), area.top(), kAxis - 6, 16), Qt::AlignRight | Qt::AlignVCenter,
                     QStringLiteral("position"));
}

bool HeadsPlot::isEmpty() const {
    return probe.nLayers < 1 || probe.nHeads < 1 ||
           mass().size() < static_cast<size_t>(probe.nLayers) * static_cast<size_t>(probe.nHeads);
}

QRectF HeadsPlot::cell(int layer, int head) const {
    const double w = (area.width() - kAxis) / std::max(1, probe.nHeads),
                 h = (area.height() - kTop) / std::max(1, probe.nLayers);
    return {area.left() + kAxis + head * w, area.top() + kTop + layer * h, w, h};
}

void HeadsPlot::paint(QPainter& painter) const {
    if (isEmpty()) return;
    const QFontMetricsF metrics(painter.font());
    const QRectF first = cell(0, 0);
    const bool numbers =
        metrics.horizontalAdvance(QStringLiteral("100")) + 4 <= first.width() && metrics.height() <= first.height();
    const int everyHead =
        std::max(1, static_cast<int>(std::ceil(metrics.horizontalAdvance("00") * 1.4 / first.width())));
    const int everyLayer = std::max(1, static_cast<int>(std::ceil(metrics.height() / first.height())));
    painter.setPen(palette.inkSoft);
    for (int h = 0; h < probe.nHeads; h += everyHead) {
        // The first carries the name, where it does not run into the next.
        const bool named = h == 0 && everyHead * first.width() > metrics.horizontalAdvance("head 00");
        const QRectF c = cell(0, h);
        painter.drawText(QRectF(c.center().x() - 40, area.top() + 2, 80, kTop - 4), Qt::AlignCenter,
                         named ? QStringLiteral("head 0") : QString::number(h));
    }
    for (int l = 0; l < probe.nLayers; l += everyLayer) {
        const QRectF c = cell(l, 0);
        painter.drawText(QRectF(area.left(), c.center().y() - metrics.height() / 2, kAxis - 8, metrics.height()),
                         Qt::AlignRight | Qt::AlignVCenter, l == 0 ? QStringLiteral("layer 0") : QString::number(l));
    }
    for (int l = 0; l < probe.nLayers; ++l)
        for (int h = 0; h < probe.nHeads; ++h) {
            const double m = std::clamp(double(mass()[static_cast<size_t>(l * probe.nHeads + h)]), 0.0, 1.0);
            const QRectF box = cell(l, h).adjusted(0.5, 0.5, -0.5, -0.5);
            const QColor color = mix(palette.ground, palette.declared, 0.05 + 0.85 * m);
            painter.fillRect(box, color);
            if (!numbers) continue;
            painter.setPen(inkOn(color, palette));
            painter.drawText(box, Qt::AlignCenter, QString::number(std::lround(100 * m)));
        }
}

int DivergencePlot::nSteps() const { return static_cast<int>(std::min(curve.klNats.size(), curve.sameTop.size())); }

QRectF DivergencePlot::plot() const { return area.adjusted(kAxis, 6, -1, -kBottom); }

void DivergencePlot::paint(QPainter& painter) const {
    const QRectF p = plot();
    const int n = nSteps();
    if (n == 0 || p.width() < 8 || p.height() < 8) return;
    const double most = std::max(1e-12, largest(curve.klNats));
    const AxisNumbers numbers(most);
    drawLevels(painter, p, p.bottom(), p.top(), most, palette, [&numbers](double v) { return numbers.text(v); });
    const int columns = std::max(1, static_cast<int>(p.width() / unit));
    std::vector<double> bars;
    for (int x = 0; x < columns; ++x)
        bars.push_back(std::sqrt(double(pooled(curve.klNats, x, columns)) / most) * p.height());
    fillColumns(painter, p.left(), p.bottom(), p.width() / columns, bars, palette.declared);
    double drawnTo = -1;
    for (int i = 0; i < n; ++i) {
        if (curve.sameTop[static_cast<size_t>(i)]) continue;
        const double left = p.left() + p.width() * i / n;
        if (left < drawnTo) continue;  // many to a pixel
        const double wide = std::max(1.5, p.width() / n);
        painter.fillRect(QRectF(left, p.bottom() + 1, wide, 4), palette.accent);
        drawnTo = left + wide / 2;
    }
    drawTicks(painter, p.adjusted(0, 0, 0, 4), n, palette);
    painter.setPen(palette.ink);
    painter.drawText(QRectF(p.left(), area.bottom() - 15, p.width(), 15), Qt::AlignCenter, QStringLiteral("step"));
    drawUpward(painter, p, area.left() + 9, numbers.name(QStringLiteral("nats")), palette);
}

}  // namespace spanscope
