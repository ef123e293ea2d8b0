#include "ui/views/reach/reach_plot.h"

#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/model/format.h"
#include "ui/model/tint.h"
#include "ui/views/mask/mask_rulers.h"

namespace spanscope {

namespace {
/// Diagonals, cut to the rectangle by hand: SVG knows no clipping.
void hatch(QPainter& painter, const QRectF& rect, const QColor& color) {
    constexpr double kStep = 6;
    QVector<QLineF> lines;
    for (double k = std::ceil((rect.left() + rect.top()) / kStep) * kStep; k < rect.right() + rect.bottom();
         k += kStep) {
        const double x0 = std::max(rect.left(), k - rect.bottom()), x1 = std::min(rect.right(), k - rect.top());
        if (x1 > x0) lines.append({x0, k - x0, x1, k - x1});
    }
    painter.setPen(QPen(color, 1));
    painter.drawLines(lines);
}
}  // namespace

QColor reachColor(const Palette& palette, int between) {
    if (between < 0) return palette.notRead;
    static constexpr double kShares[kReachRows] = {1.0, 0.66, 0.45, 0.30, 0.18};
    return mix(palette.ground, palette.attended, kShares[std::min(between, kReachRows - 1)]);
}

double ReachPlot::heightFor(size_t nRows, double row) {
    return MaskRulers::kTop + row * double(std::max<size_t>(2, nRows));
}

QRectF ReachPlot::plot() const { return area.adjusted(kNames, MaskRulers::kTop, -kCounts, 0); }

int ReachPlot::positionAt(double x) const {
    const QRectF p = plot();
    if (reach.step < 0 || x < p.left() || x >= p.right()) return -1;
    return std::clamp(static_cast<int>((x - p.left()) / p.width() * (reach.position + 1)), 0, reach.position);
}

void ReachPlot::paint(QPainter& painter) const {
    const QRectF p = plot();
    if (rows.empty() || p.width() < 8 || p.height() < 8) return;
    const int n = reach.position + 1;
    const double perToken = p.width() / n, height = p.height() / double(rows.size());
    painter.fillRect(p, palette.ground);
    IntervalList before;
    // Stretches closer than half a pixel are one: no more boxes than there are pixels, however long the run.
    const auto fill = [&](const IntervalList& list, const QRectF& row, const auto& box) {
        double from = -1, to = -1;
        for (const Interval& i : list) {
            const double left = p.left() + i.begin * perToken,
                         right = std::max(p.left() + i.end * perToken, left + unit);
            if (to >= 0 && left <= to + 0.5 * unit) {
                to = std::max(to, right);
                continue;
            }
            if (to >= 0) box(QRectF(from, row.top(), to - from, row.height()));
            from = left;
            to = right;
        }
        if (to >= 0) box(QRectF(from, row.top(), std::min(to, p.right()) - from, row.height()));
    };
    for (size_t r = 0; r < rows.size(); ++r) {
        const QRectF row(p.left(), p.top() + double(r) * height, p.width(), height - 1);
        const int between = rows[r].between;
        const QColor color = reachColor(palette, between);
        if (between >= 0)
            for (size_t b = 0; b < r; ++b)
                fill(rows[b].tokens, row,
                     [&](const QRectF& box) { painter.fillRect(box, mix(palette.ground, palette.attended, 0.07)); });
        fill(rows[r].tokens, row, [&](const QRectF& box) {
            painter.fillRect(box, color);
            if (between < 0) hatch(painter, box, palette.notReadLine);
        });
        painter.setPen(palette.ink);
        painter.drawText(QRectF(area.left(), row.top(), kNames - 8, row.height()), Qt::AlignRight | Qt::AlignVCenter,
                         rows[r].name);
        painter.setPen(palette.inkSoft);
        painter.drawText(QRectF(p.right() + 8, row.top(), kCounts - 8, row.height()), Qt::AlignLeft | Qt::AlignVCenter,
                         formatCount(rows[r].nTokens));
        painter.setPen(QPen(palette.grid, 1));
        painter.drawLine(QPointF(p.left(), row.bottom() + 0.5), QPointF(p.right(), row.bottom() + 0.5));
    }
    const int columns = std::max(1, static_cast<int>(p.width() / unit));
    MaskWindow x, y;
    x.extent = columns;
    x.nCells = n;
    x.axis.cellsPerPixel = double(n) / columns;
    const MaskRows none;
    const MaskRulers rulers{run, none, palette, x, y, p.width() / columns, p, -1, -1, true, true, 0};
    rulers.drawTop(painter);
    painter.setPen(palette.inkSoft);
    painter.drawText(QRectF(area.left(), area.top(), kNames - 8, 16), Qt::AlignRight | Qt::AlignVCenter,
                     QStringLiteral("position \u2192"));
    painter.drawText(QRectF(p.right() + 8, area.top(), kCounts - 8, 16), Qt::AlignLeft | Qt::AlignVCenter,
                     QStringLiteral("tokens"));
}

}  // namespace spanscope
