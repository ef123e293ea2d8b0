#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

#include "engine/types/segment_name.h"
#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/palette.h"
#include "ui/views/timeline/timeline_clock.h"

namespace spanscope {

namespace {

/// The segments above a lane, named where there is room; many to a pixel: the first stands for all.
void drawSegments(QPainter& painter, const RunData& run, const StepTimes& times, const QRectF& area, double total,
                  const Palette& palette) {
    const QFontMetricsF metrics(painter.font());
    const auto& steps = run.steps;
    double drawnTo = area.left() - 1;
    for (size_t i = 0; i < steps.size();) {
        size_t end = i + 1;
        while (end < steps.size() && steps[end].segment == steps[i].segment) ++end;
        const double from = area.left() + area.width() * double(times.beginNs(int(i))) / total;
        const double to = area.left() + area.width() * double(times.endNs(int(end) - 1)) / total;
        const int segment = steps[i].segment;
        i = end;
        if (segment < 0 || segment >= int(run.segments.size()) || to <= drawnTo) continue;
        const Segment& s = run.segments[size_t(segment)];
        const QRectF box(from, area.top(), std::max(0.5, to - from - 1), area.height());
        drawnTo = box.left() + std::max(0.5, to - from);
        painter.fillRect(box, palette.segment(s.kind));
        QString name = QString::fromStdString(segmentName(s));
        if (metrics.horizontalAdvance(name) + 4 > box.width()) name = name.section(' ', 1);
        if (name.isEmpty() || metrics.horizontalAdvance(name) + 2 > box.width()) continue;
        painter.setPen(palette.ink);
        painter.drawText(box, Qt::AlignCenter, name);
    }
}

}  // namespace

FigurePage timelinePage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    const RunData* maybeDense = source.other;
    FigurePage page;
    if (run.steps.empty()) return page;
    const double width = pageWidth(o);
    const double lane = 30, ribbon = 15;
    page.body = QSizeF(width, (maybeDense ? 2 : 1) * (ribbon + lane + 10) + 18 + (o.legend ? 22 : 0));
    page.title = orGiven(o.title, QStringLiteral("The run along time \u00b7 %1").arg(runName(run)));
    page.caption = orGiven(o.caption, runOrigin(run).trimmed());
    page.paint = [&run, maybeDense, o, width, lane, ribbon](QCPPainter& painter, QPointF at) {
        const Palette& palette = Palette::of(o.dark);
        std::vector<const RunData*> runs{&run};
        if (maybeDense) runs.push_back(maybeDense);
        double total = 1;
        std::vector<StepTimes> times(runs.size());
        for (size_t i = 0; i < runs.size(); ++i) {
            times[i].update(*runs[i]);
            total = std::max(total, double(times[i].totalNs()));
        }
        const double left = at.x() + 74, room = width - 74;
        painter.setFont(figureFont(o, 11));
        double y = at.y();
        std::array<bool, kPhases> seen{};
        for (size_t k = 0; k < runs.size(); ++k) {
            const auto& steps = runs[k]->steps;
            drawSegments(painter, *runs[k], times[k], QRectF(left, y, room, ribbon - 1), total, palette);
            y += ribbon;
            painter.setPen(palette.ink);
            painter.drawText(QRectF(at.x(), y, 66, lane), Qt::AlignRight | Qt::AlignVCenter,
                             QString::fromStdString(runs[k]->header.settings.attention.text()));
            for (size_t i = 0; i < steps.size();) {
                size_t end = i + 1;
                while (end < steps.size() && steps[end].phase == steps[i].phase &&
                       steps[end].segment == steps[i].segment)
                    ++end;
                const double from = left + room * double(times[k].beginNs(int(i))) / total;
                const double to = left + room * double(times[k].endNs(int(end) - 1)) / total;
                fillPhase(painter, QRectF(from, y, std::max(0.5, to - from), lane), steps[i].phase, palette);
                seen[static_cast<size_t>(steps[i].phase)] = true;
                if (i > 0 && steps[i].segment != steps[i - 1].segment)
                    painter.fillRect(QRectF(from - 0.5, y, 1, lane), palette.ground);
                i = end;
            }
            y += lane + 10;
        }
        const QFontMetricsF metrics(painter.font());
        painter.setPen(palette.inkSoft);
        const double rough = total / 1e9 / 8;
        double tick = std::pow(10, std::floor(std::log10(rough)));
        for (const double f : {1.0, 2.0, 5.0, 10.0})
            if (tick * f >= rough) {
                tick *= f;
                break;
            }
        for (int i = 0; i * tick <= total / 1e9; ++i) {
            const double x = left + room * i * tick * 1e9 / total;
            painter.drawLine(QPointF(x, y - 6), QPointF(x, y - 2));
            const QString text = i == 0 ? QStringLiteral("0") : formatDuration(qint64(i * tick * 1e9));
            const double half = metrics.horizontalAdvance(text) / 2 + 1;
            painter.drawText(QRectF(std::min(x, left + room - half) - half, y - 2, 2 * half, 14), Qt::AlignCenter,
                             text);
        }
        if (!o.legend) return;
        double wanted = 0;
        for (int p = 1; p < kPhases; ++p)
            if (seen[static_cast<size_t>(p)])
                wanted += 50 + metrics.horizontalAdvance(phaseName(static_cast<Phase>(p)));
        // From the lanes' left edge where there is room; on a narrow page from the page's, and closer together.
        const bool wide = wanted <= room;
        const double swatch = wide ? 26 : 14, gap = wide ? 18 : 9;
        double x = wide ? left : at.x();
        y += 20;
        for (int p = 1; p < kPhases; ++p) {
            if (!seen[static_cast<size_t>(p)]) continue;
            fillPhase(painter, QRectF(x, y, swatch, 13), static_cast<Phase>(p), palette);
            painter.setPen(palette.ink);
            const QString name = phaseName(static_cast<Phase>(p));
            painter.drawText(QRectF(x + swatch + 6, y - 2, 100, 17), Qt::AlignLeft | Qt::AlignVCenter, name);
            x += swatch + 6 + metrics.horizontalAdvance(name) + gap;
        }
    };
    return page;
}

}  // namespace spanscope
