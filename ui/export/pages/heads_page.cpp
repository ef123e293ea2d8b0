#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/model/tint.h"

namespace spanscope {

FigurePage headsPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    const StepProbe& probe = *source.probe;
    FigurePage page;
    const auto& mass = o.withoutFirst ? probe.massKeptNoSink : probe.massKept;
    if (probe.nLayers < 1 || probe.nHeads < 1 ||
        mass.size() < static_cast<size_t>(probe.nLayers) * static_cast<size_t>(probe.nHeads))
        return page;
    const double cell = std::clamp((pageWidth(o) - kAxis) / probe.nHeads, 6.0, 54.0), row = std::min(cell, 26.0);
    page.body = QSizeF(std::max(470.0, kAxis + cell * probe.nHeads), 22 + row * probe.nLayers + 6);
    page.title =
        orGiven(o.title, QStringLiteral("Dense mass kept by the span \u00b7 %1").arg(stepName(run, probe.step)));
    const auto least = std::min_element(mass.begin(), mass.end()) - mass.begin();
    page.caption =
        orGiven(o.caption, (QStringLiteral("Share of the dense attention mass that lies inside the declared span, for "
                                           "each layer and head%1. Least: %2, "
                                           "layer %3, head %4. %5")
                                .arg(o.withoutFirst ? QStringLiteral(", the first token left out") : QString(),
                                     formatPercent(double(mass[static_cast<size_t>(least)])))
                                .arg(least / probe.nHeads)
                                .arg(least % probe.nHeads)
                                .arg(runOrigin(run)))
                               .trimmed());
    page.paint = [&probe, &mass, o, cell, row](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        painter.setFont(figureFont(10));
        const QFontMetricsF metrics(painter.font());
        const bool numbers = metrics.horizontalAdvance(QStringLiteral("100")) + 4 <= cell && metrics.height() <= row;
        const double left = at.x() + kAxis, top = at.y() + 22;
        for (int h = 0; h < probe.nHeads; ++h) {
            painter.setPen(c.inkSoft);
            const QString text = h == 0 ? QStringLiteral("head 0") : QString::number(h);
            if (cell >= 14 || h % 4 == 0)
                painter.drawText(QRectF(left + h * cell - 20, at.y() + 4, cell + 40, 16), Qt::AlignCenter, text);
        }
        for (int l = 0; l < probe.nLayers; ++l) {
            painter.setPen(c.inkSoft);
            painter.drawText(QRectF(at.x(), top + l * row, kAxis - 8, row), Qt::AlignRight | Qt::AlignVCenter,
                             l == 0 ? QStringLiteral("layer 0") : QString::number(l));
            for (int h = 0; h < probe.nHeads; ++h) {
                const double m = std::clamp(double(mass[static_cast<size_t>(l * probe.nHeads + h)]), 0.0, 1.0);
                const QRectF box = QRectF(left + h * cell, top + l * row, cell, row).adjusted(0.5, 0.5, -0.5, -0.5);
                painter.fillRect(box, mix(c.ground, c.declared, 0.05 + 0.85 * m));
                if (!numbers) continue;
                painter.setPen(m > 0.5 ? c.ground : c.ink);
                painter.drawText(box, Qt::AlignCenter, QString::number(std::lround(100 * m)));
            }
        }
    };
    return page;
}

}  // namespace spanscope
