#include <qcustomplot.h>
#include <algorithm>

#include "ui/export/pages/page_parts.h"
#include "ui/views/graph/graph_layout.h"
#include "ui/views/palette.h"

namespace spanscope {

FigurePage graphPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    FigurePage page;
    const auto graph = std::make_shared<GraphLayout>(layoutGraph(run));
    if (graph->nodes.empty()) return page;
    // At its own size where that fits, else scaled down to the page.
    const double width = pageWidth(o);
    const double zoom = std::min(1.0, width / graph->size.width());
    page.body = QSizeF(width, graph->size.height() * zoom);
    page.title = orGiven(o.title, QStringLiteral("Which segment named which \u00b7 %1").arg(runName(run)));
    page.caption = orGiven(
        o.caption,
        (QStringLiteral("An arrow leads from what was named to the segment that named it. Square corners: given; "
                        "round: written by the model. ") +
         runOrigin(run))
            .trimmed());
    page.paint = [graph, o, zoom, width](QCPPainter& painter, QPointF at) {
        painter.save();
        painter.translate(at.x() + (width - graph->size.width() * zoom) / 2, at.y());
        painter.scale(zoom, zoom);
        painter.setFont(figureFont(o, 11));
        paintGraph(painter, *graph, Palette::of(o.dark), -1);
        painter.restore();
    };
    return page;
}

}  // namespace spanscope
