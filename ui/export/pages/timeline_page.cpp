#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/palette.h"
#include "ui/views/timeline/timeline_clock.h"

namespace spanscope {

FigurePage timelinePage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    const RunData* maybeDense = source.other;
    FigurePage page;
    if (run.steps.empty()) return page;
    const double width = pageWidth(o);
    const double lane = 30;
    page.body = QSizeF(width, (maybeDense ? 2 : 1) * (lane + 8) + 18 + (o.legend ? 22 : 0));
    page.title = orGiven(o.title, QStringLiteral("The run along time \u00b7 %1").arg(runName(run)));
    page.caption = orGiven(o.caption, runOrigin(run).trimmed());
    page.paint = [&run, maybeDense, o, width, lane](QCPPainter& painter, QPointF at) {
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
        painter.setFont(figureFont(11));
        double y = at.y();
        std::array<bool, kPhases> seen{};
        for (size_t k = 0; k < runs.size(); ++k) {
            const auto& steps = runs[k]->steps;
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
            y += lane + 8;
        }
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
            painter.drawText(QRectF(x - 40, y - 2, 80, 14), Qt::AlignCenter,
                             i == 0 ? QStringLiteral("0") : formatDuration(qint64(i * tick * 1e9)));
        }
        if (!o.legend) return;
        double x = left;
        y += 20;
        for (int p = 1; p < kPhases; ++p) {
            if (!seen[static_cast<size_t>(p)]) continue;
            fillPhase(painter, QRectF(x, y, 26, 13), static_cast<Phase>(p), palette);
            painter.setPen(palette.ink);
            const QString name = phaseName(static_cast<Phase>(p));
            painter.drawText(QRectF(x + 32, y - 2, 100, 17), Qt::AlignLeft | Qt::AlignVCenter, name);
            x += 32 + QFontMetricsF(painter.font()).horizontalAdvance(name) + 18;
        }
    };
    return page;
}

}  // namespace spanscope
