#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <array>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/model/tint.h"
#include "ui/views/mask/mask_rulers.h"
#include "ui/views/probe/probe_paint.h"

namespace spanscope {

FigurePage attentionPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    const StepProbe& probe = *source.probe;
    FigurePage page;
    if (probe.dense.empty()) return page;
    const double width = pageWidth(o), half = 110, ribbon = MaskRulers::kTop;
    page.body = QSizeF(width, ribbon + 2 * half + 8 + (o.legend ? 26 : 0));
    page.title =
        orGiven(o.title, QStringLiteral("Attention of %1 \u00b7 %2").arg(stepName(run, probe.step), headName(probe)));
    double kept = 0;
    const auto& mass = o.withoutFirst ? probe.massKeptNoSink : probe.massKept;
    for (const float m : mass) kept += double(m);
    page.caption = orGiven(
        o.caption, (QStringLiteral("Up: dense attention over the whole context. Down: under the declared span, shaded. "
                                   "Square-root scale%1. The span "
                                   "keeps %2 of the dense mass (mean over heads); KL(dense \u2016 declared) %3. %4")
                        .arg(o.withoutFirst ? QStringLiteral(", first token left out") : QString(),
                             formatPercent(mass.empty() ? 1 : kept / double(mass.size())),
                             formatNats(probe.divergence.klNats), runOrigin(run)))
                       .trimmed());
    page.paint = [&run, &probe, o, width, half, ribbon](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        painter.setFont(figureFont(o, 10));
        const QRectF area(at, QSizeF(width, ribbon + 2 * half + 2));
        AttentionPlot{run, probe, o.withoutFirst, c, area, 1.0 / std::clamp(o.scale, 1, 4)}.paint(painter);
        if (!o.legend) return;
        painter.setFont(figureFont(o, 10.5));
        const std::array entries{std::pair{c.dense, QStringLiteral("dense, upward")},
                                 std::pair{c.declared, QStringLiteral("declared, downward")},
                                 std::pair{mix(c.ground, c.declared, 0.13), QStringLiteral("inside the span")}};
        double wanted = 0;
        for (const auto& [color, name] : entries) wanted += 36 + QFontMetricsF(painter.font()).horizontalAdvance(name);
        const double room = width - kAxis, left = wanted > room ? at.x() : at.x() + kAxis;
        drawFitted(painter, QPointF(left, area.bottom() + 8), wanted, wanted > room ? width : room, [&] {
            double x = left;
            for (const auto& [color, name] : entries) drawSwatch(painter, x, area.bottom() + 8, color, name, c);
        });
    };
    return page;
}

}  // namespace spanscope
