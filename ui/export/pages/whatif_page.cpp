#include <qcustomplot.h>
#include <algorithm>
#include <memory>

#include "ui/export/pages/page_parts.h"
#include "ui/views/whatif/whatif_plot.h"

namespace spanscope {

namespace {
constexpr double kLeastWidth = 560;
}

FigurePage whatIfPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    FigurePage page;
    const auto cost =
        std::make_shared<const RunCost>(runCost(&run, source.other, source.whatIf.bytes, source.whatIf.kvType));
    if (!cost->known() || run.steps.empty()) return page;
    const WhatIf how = cost->resolved(source.whatIf);
    const auto spans = std::make_shared<const SpanLoad>(spanLoad(run, how.pageTokens));
    const CostComparison compared = compareCost(cost->bytes, *spans, how, how.context);
    const double width = pageWidth(o);
    page.body = QSizeF(width, o.height > 0 ? std::clamp(o.height, 240, 8000) - 110 : width * 0.6);
    page.title = orGiven(o.title, QStringLiteral("What if \u00b7 %1").arg(runName(run)));
    page.caption =
        orGiven(o.caption, QStringList{QStringLiteral("Predicted by the bytes of a step: ") + conditionsText(how) + '.',
                                       QString::fromStdString(compared.sentence()), measuredText(*cost),
                                       scalingText(*cost, how.scaling), runOrigin(run)}
                               .join(' ')
                               .simplified());
    page.paint = [cost, spans, how, o, size = page.body](QCPPainter& painter, QPointF at) {
        QCustomPlot plot;
        plot.setFont(figureFont(o, 11));
        WhatIfPlot body(&plot);
        body.setTheme(Palette::of(o.dark), 8.25);  // 11 pixels at 96 dpi
        // QCustomPlot paints in whole units; the painter's scale makes them finer.
        painter.save();
        painter.translate(at);
        // A narrow page has no room for the legends: there it is all smaller.
        const double zoom = std::min(1.0, size.width() / kLeastWidth);
        const QSize room = (size / zoom).toSize();
        plot.resize(room);
        body.setData(*cost, *spans, how);
        painter.scale(zoom, zoom);
        painter.setMode(QCPPainter::pmVectorized);
        painter.setMode(QCPPainter::pmNoCaching);
        plot.toPainter(&painter, room.width(), room.height());
        painter.restore();
    };
    return page;
}

}  // namespace spanscope
