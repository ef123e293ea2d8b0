#include <qcustomplot.h>
#include <algorithm>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/probe/probe_paint.h"

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
    page.body = QSizeF(std::max(std::min(470.0, pageWidth(o)), kAxis + cell * probe.nHeads),
                       HeadsPlot::kTop + row * probe.nLayers + 6);
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
    page.paint = [&probe, o, cell, row](QCPPainter& painter, QPointF at) {
        painter.setFont(figureFont(o, 10));
        const QSizeF size(kAxis + cell * probe.nHeads, HeadsPlot::kTop + row * probe.nLayers);
        HeadsPlot{probe, o.withoutFirst, Palette::of(o.dark), QRectF(at, size)}.paint(painter);
    };
    return page;
}

}  // namespace spanscope
