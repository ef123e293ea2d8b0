#include "ui/views/mask/mask_rulers.h"

#include <QFontMetricsF>
#include <QObject>
#include <QPainter>
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"

namespace spanscope {

namespace {

QString number(int n) { return formatCount(n); }

/// Every how many segments one is named, so that names do not run into each other: 1, 2, 5, 10, ...
int everyHowMany(double pixelsEach, double room) {
    for (int decade = 1; decade <= 1'000'000; decade *= 10)
        for (const int n : {1, 2, 5})
            if (n * decade * pixelsEach >= room) return n * decade;
    return 0;
}

/// What the mean segment of each kind takes on an axis.
struct SegmentPitch {
    std::array<double, 3> pixels{};
    std::array<int, 3> n{};

    void add(SegmentKind kind, double size) {
        pixels[size_t(kind)] += size;
        ++n[size_t(kind)];
    }
    /// Of each kind: one in so many has room for a label; 0: none.
    std::array<int, 3> every(double room) const {
        std::array<int, 3> all{};
        for (size_t k = 0; k < all.size(); ++k) all[k] = n[k] ? everyHowMany(pixels[k] / n[k], room) : 0;
        return all;
    }
};

/// The number alone, at regular ones of a crowd.
QString crowdLabel(const Segment& segment, const std::array<int, 3>& everyOfKind) {
    const int every = segment.kind == SegmentKind::Scaffold ? 0 : everyOfKind[size_t(segment.kind)];
    return every > 0 && segment.label >= 0 && segment.label % every == 0 ? QString::number(segment.label) : QString();
}

}  // namespace

void MaskRulers::drawTop(QPainter& painter) const {
    painter.save();
    const QRectF area(plot.left(), plot.top() - kTop * scale, plot.width(), kTop * scale);
    painter.setClipRect(area.adjusted(-30, 0, 30, 0));
    const QFontMetricsF metrics(painter.font());
    const double ribbonTop = plot.top() - 17 * scale, ribbonHeight = 14 * scale;
    const double pixelsPerCell = x.axis.pixelsPerCell() * unit;

    for (const MaskTick& tick : niceTicks(x.visibleCells(), pixelsPerCell, metrics.horizontalAdvance("000,000"))) {
        const double at = xOf(tick.cell + 0.5);
        painter.setPen(QPen(tick.major ? palette.inkSoft : palette.grid, 1));
        painter.drawLine(QPointF(at, ribbonTop - (tick.major ? 5 : 3)), QPointF(at, ribbonTop - 1));
        if (!tick.major) continue;
        painter.setPen(palette.inkSoft);
        painter.drawText(QRectF(at - 60, ribbonTop - 6 - metrics.height(), 120, metrics.height()), Qt::AlignCenter,
                         number(tick.cell));
    }

    painter.setClipRect(QRectF(plot.left(), ribbonTop, plot.width(), ribbonHeight + 3));
    const CellRange cells = x.visibleCells();
    double drawnTo = -1e9;
    auto it = std::upper_bound(run.segments.begin(), run.segments.end(), cells.begin,
                               [](int p, const Segment& s) { return p < s.begin; });
    if (it != run.segments.begin()) --it;
    SegmentPitch pitch;
    for (auto each = it; each != run.segments.end() && each->begin < cells.end; ++each)
        pitch.add(each->kind, xOf(std::min(each->end, x.nCells)) - xOf(each->begin));
    const auto every = pitch.every(metrics.horizontalAdvance("0000"));
    std::vector<std::pair<double, QString>> crowd;  // over the ribbons of their neighbours, hence after them
    for (; it != run.segments.end() && it->begin < cells.end; ++it) {
        // Cut by hand: SVG knows no clipping.
        const double left = std::max(xOf(it->begin), plot.left()),
                     right = std::min(xOf(std::min(it->end, x.nCells)), plot.right());
        if (right <= plot.left()) continue;
        if (const QString label = crowdLabel(*it, every); !label.isEmpty())
            if (metrics.horizontalAdvance(label) + 4 > right - left) crowd.emplace_back((left + right) / 2, label);
        if (right <= drawnTo) continue;  // many to a pixel: the first stands for all
        const QRectF box(left, ribbonTop, std::max(1.0, right - left), ribbonHeight);
        drawnTo = box.right();
        painter.fillRect(box, palette.segment(it->kind));
        if (box.width() > 3) painter.fillRect(QRectF(box.right() - 1, box.top(), 1, box.height()), palette.ground);
        if (box.width() < 8) continue;  // no room for a name: do not measure one, that costs more than the box
        QString label = QString::fromStdString(segmentName(*it));
        if (metrics.horizontalAdvance(label) + 4 > box.width()) label = label.section(' ', 1);
        const QRectF seen = box.intersected(QRectF(plot.left(), ribbonTop, plot.width(), ribbonHeight));
        if (!label.isEmpty() && metrics.horizontalAdvance(label) + 4 <= seen.width()) {
            painter.setPen(palette.ink);
            painter.drawText(seen, Qt::AlignCenter, label);
        }
    }

    painter.setPen(palette.ink);
    for (const auto& [centre, label] : crowd)
        painter.drawText(QRectF(centre - 30, ribbonTop, 60, ribbonHeight), Qt::AlignCenter, label);

    // What the selected steps attended to, right under the ribbon.
    if (first >= 0 && last < rows.size()) {
        painter.setPen(Qt::NoPen);
        const SharedIntervals* before = nullptr;
        for (int step = first; step <= last; ++step) {
            const MaskRow& row = rows[step];
            if (!row.visible || (before && *before == row.visible && step != last)) continue;
            before = &row.visible;
            for (const Interval& interval : *row.visible) {
                const Interval c = clipToQuery(interval, row.position);
                if (c.begin >= c.end) continue;
                const double left = xOf(c.begin);
                painter.fillRect(QRectF(left, plot.top() - 3, std::max(1.0, xOf(c.end) - left), 3), palette.accent);
            }
        }
    }
    painter.restore();
}

void MaskRulers::drawLeft(QPainter& painter) const {
    painter.save();
    const QFontMetricsF metrics(painter.font());
    const double phaseLeft = plot.left() - 9 * scale, ribbonLeft = plot.left() - 50 * scale, ribbonWidth = 39 * scale,
                 left = kLeft * scale;
    painter.setClipRect(QRectF(plot.left() - left, plot.top() - 8, left, plot.height() + 16));
    const double pixelsPerCell = y.axis.pixelsPerCell() * unit;
    const CellRange cells = {y.visibleCells().begin, std::min(y.visibleCells().end, rows.size())};

    for (const MaskTick& tick : niceTicks(cells, pixelsPerCell, metrics.height() * 1.8)) {
        const double at = yOf(tick.cell + 0.5);
        painter.setPen(QPen(tick.major ? palette.inkSoft : palette.grid, 1));
        painter.drawLine(QPointF(ribbonLeft - (tick.major ? 5 : 3), at), QPointF(ribbonLeft - 1, at));
        if (!tick.major) continue;
        painter.setPen(palette.inkSoft);
        painter.drawText(QRectF(plot.left() - left, at - metrics.height() / 2, left - 57 * scale, metrics.height()),
                         Qt::AlignRight | Qt::AlignVCenter, number(firstStep + tick.cell));
    }

    painter.setClipRect(QRectF(plot.left() - left, plot.top(), left, plot.height()));
    // Phases, one band for each run of equal ones; zoomed out, each pixel that of its first row.
    const int perPixel = std::max(1, static_cast<int>(y.axis.cellsPerPixel * (1 / unit)));
    for (int row = cells.begin; row < cells.end;) {
        const Phase phase = rows[row].phase;
        int end = std::min(row + perPixel, cells.end);
        while (end < cells.end && rows[end].phase == phase) end = std::min(end + perPixel, cells.end);
        const double top = yOf(row), bottom = yOf(end);
        fillPhase(painter, QRectF(phaseLeft, top, 7 * scale, std::max(1.0, bottom - top)), phase, palette);
        row = end;
    }

    // Segments of the steps: position -> row through the first row's position.
    if (rows.size() > 0) {
        const int offset = rows[0].position;
        double drawnTo = -1e9;
        auto it = std::upper_bound(run.segments.begin(), run.segments.end(), offset + cells.begin,
                                   [](int p, const Segment& s) { return p < s.begin; });
        if (it != run.segments.begin()) --it;
        SegmentPitch pitch;
        const auto rowsOf = [&](const Segment& each) {
            const int end = each.end == kOpenEnd ? rows.size() : each.end - offset;
            return std::pair(yOf(std::max(0, each.begin - offset)), yOf(std::min(end, rows.size())));
        };
        for (auto each = it; each != run.segments.end() && each->begin < offset + cells.end; ++each)
            if (each->end > offset) pitch.add(each->kind, rowsOf(*each).second - rowsOf(*each).first);
        const auto every = pitch.every(metrics.height());
        std::vector<std::pair<double, QString>> crowd;
        for (; it != run.segments.end() && it->begin < offset + cells.end; ++it) {
            if (it->end <= offset) continue;
            const auto [top, bottom] = rowsOf(*it);
            if (bottom - top < metrics.height() - 2)
                if (const QString label = crowdLabel(*it, every); !label.isEmpty())
                    crowd.emplace_back((top + bottom) / 2, label);
            if (bottom <= drawnTo) continue;
            const QRectF box(ribbonLeft, top, ribbonWidth, std::max(1.0, bottom - top));
            drawnTo = box.bottom();
            painter.fillRect(box, palette.segment(it->kind));
            if (box.height() > 3)
                painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), palette.ground);
            const QRectF seen = box.intersected(QRectF(ribbonLeft, plot.top(), ribbonWidth, plot.height()));
            if (seen.height() >= metrics.height() - 2) {
                QString label = QString::fromStdString(segmentName(*it));
                if (metrics.horizontalAdvance(label) > ribbonWidth - 2) label = label.section(' ', 1);
                painter.setPen(palette.ink);
                painter.drawText(seen, Qt::AlignCenter, label);
            }
        }
        painter.setPen(palette.ink);
        for (const auto& [centre, label] : crowd)
            painter.drawText(QRectF(ribbonLeft, centre - metrics.height(), ribbonWidth, 2 * metrics.height()),
                             Qt::AlignCenter, label);
    }
    if (first >= 0) {
        const double top = yOf(first);
        painter.fillRect(QRectF(plot.left() - 2, top, 2, std::max(1.0, yOf(last + 1) - top)), palette.accent);
    }
    painter.restore();
}

void MaskRulers::drawCorner(QPainter& painter) const {
    const double height = QFontMetricsF(painter.font()).height();
    const double left = kLeft * scale;
    const QRectF above(plot.left() - left + 2, plot.top() - 8 - 2 * height, left - 10, height);
    const QRectF below(above.left(), plot.top() - 3 - height, left - 4, height);
    painter.setPen(palette.inkSoft);
    painter.drawText(above, Qt::AlignRight | Qt::AlignVCenter, QObject::tr("position \u2192"));
    painter.drawText(below, Qt::AlignLeft | Qt::AlignVCenter, QObject::tr("step \u2193"));
    painter.drawText(below, Qt::AlignRight | Qt::AlignVCenter, QObject::tr("phase"));
}

void MaskRulers::drawGrid(QPainter& painter) const {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    const double right = std::min(plot.right(), xOf(x.nCells)), bottom = std::min(plot.bottom(), yOf(y.nCells));
    QColor line = palette.ground;
    line.setAlpha(palette.dark ? 150 : 190);
    painter.setPen(QPen(line, 1));
    painter.setClipRect(plot);
    if (x.axis.pixelsPerCell() * unit >= 6)
        for (int cell = x.visibleCells().begin; cell <= x.visibleCells().end; ++cell)
            painter.drawLine(QPointF(xOf(cell), plot.top()), QPointF(xOf(cell), bottom));
    if (y.axis.pixelsPerCell() * unit >= 6)
        for (int cell = y.visibleCells().begin; cell <= y.visibleCells().end; ++cell)
            painter.drawLine(QPointF(plot.left(), yOf(cell)), QPointF(right, yOf(cell)));
    // Where the prompt ends: left of it, what was given; right of it, what the model wrote.
    if (rows.size() > 0) {
        painter.setPen(QPen(palette.inkSoft, 1, Qt::DotLine));
        const double at = xOf(rows[0].position);
        if (at > plot.left() && at < right) painter.drawLine(QPointF(at, plot.top()), QPointF(at, bottom));
    }
    painter.setClipping(false);
    painter.setPen(QPen(palette.grid, 1));
    painter.drawRect(plot.adjusted(-0.5, -0.5, 0, 0));
    painter.restore();
}

double MaskRulers::drawLegend(QPainter* painter, QRectF area, const QFont& font) const {
    if (!painter) return paintLegend(nullptr, area, font, false);
    if (paintLegend(nullptr, area, font, false) <= area.width()) return paintLegend(painter, area, font, false);
    const double brief =
        paintLegend(nullptr, area, font, true);  // a narrow dock gets shorter words, a narrower one smaller ones
    if (brief <= area.width()) return paintLegend(painter, area, font, true);
    painter->save();
    painter->setFont(font);
    painter->translate(area.left(), area.center().y());
    painter->scale(area.width() / brief, area.width() / brief);
    paintLegend(painter, QRectF(0, -area.height() / 2, brief, area.height()), font, true);
    painter->restore();
    return area.width();
}

double MaskRulers::paintLegend(QPainter* painter, QRectF area, const QFont& font, bool brief) const {
    const QFontMetricsF metrics(font);
    double left = area.left();
    const double swatch = 13 * scale, top = area.center().y() - swatch / 2;
    const auto entry = [&](const QString& text, const auto& fill) {
        if (painter) {
            const QRectF box(left, top, swatch, swatch);
            fill(box);
            painter->setPen(QPen(palette.inkSoft, 0.6));
            painter->setBrush(Qt::NoBrush);
            painter->drawRect(box);
            painter->setPen(palette.ink);
            painter->drawText(QRectF(left + swatch + 5, area.top(), 600, area.height()),
                              Qt::AlignVCenter | Qt::AlignLeft, text);
        }
        left += swatch + 5 + metrics.horizontalAdvance(text) + (brief ? 9 : 16);
    };
    const auto state = [&](MaskState s) {
        return [this, painter, s](const QRectF& box) {
            QImage image(13, 13, QImage::Format_RGB32);
            for (int py = 0; py < 13; ++py)
                for (int px = 0; px < 13; ++px)
                    image.setPixel(px, py, palette.maskPixel(s, Phase::Prompt, false, px, py, 1));
            painter->drawImage(box, image);
        };
    };
    if (painter) painter->save();
    for (int quarters = 1; rows.hasHeads() && quarters <= kHeadQuarters; ++quarters) {
        const QString share = QStringLiteral("%1 %").arg(100 * quarters / kHeadQuarters);
        entry(quarters > 1 ? QStringLiteral("\u2264 ") + share
              : brief      ? QStringLiteral("heads \u2264 ") + share
                           : QStringLiteral("attended by \u2264 ") + share + QStringLiteral(" of heads"),
              [&](const QRectF& box) {
                  QImage image(13, 13, QImage::Format_RGB32);
                  for (int py = 0; py < 13; ++py)
                      for (int px = 0; px < 13; ++px) image.setPixel(px, py, palette.headsPixel(quarters, px, py, 1));
                  painter->drawImage(box, image);
              });
    }
    if (rows.hasHeads()) {
        // The shares say what phases say elsewhere.
    } else if (byPhase) {
        bool firstOne = true;
        for (const Phase p : {Phase::Declare, Phase::Global, Phase::Focus, Phase::Local, Phase::Close, Phase::Free}) {
            if (!rows.hasPhase(p)) continue;
            entry((firstOne ? QStringLiteral("attended: ") : QString()) + phaseName(p),
                  [&](const QRectF& box) { painter->fillRect(box, palette.phase(p)); });
            firstOne = false;
        }
        if (firstOne)
            entry(QStringLiteral("attended"), [&](const QRectF& box) { painter->fillRect(box, palette.attended); });
    } else {
        entry(QStringLiteral("attended"), state(MaskState::Attended));
    }
    if (showLoaded)
        entry(brief ? QStringLiteral("loaded") : QStringLiteral("loaded with its page"), state(MaskState::Loaded));
    entry(QStringLiteral("not read"), state(MaskState::NotRead));
    entry(QStringLiteral("future"), state(MaskState::Future));
    if (painter) painter->restore();
    return left - 16 - area.left();
}

}  // namespace spanscope
