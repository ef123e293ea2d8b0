#include <qcustomplot.h>
#include <algorithm>
#include <memory>

#include "ui/export/pages/page_parts.h"
#include "ui/views/reach/reach_plot.h"

namespace spanscope {

FigurePage reachPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    FigurePage page;
    const auto reach = std::make_shared<Reach>(reachOf(run, source.chosenStep()));
    if (reach->step < 0) return page;
    const auto rows = std::make_shared<std::vector<ReachRow>>(reachRows(*reach));
    const double width = pageWidth(o);
    page.body = QSizeF(width, ReachPlot::heightFor(rows->size()) + 4);
    page.title = orGiven(o.title, QStringLiteral("What could have acted on %1").arg(stepName(run, reach->step)));
    page.caption =
        orGiven(o.caption, (QStringLiteral("A position fills the row in which the step first reaches it. %1 %2 %3")
                                .arg(reachSentence(*reach), reachNote(run, *reach), runOrigin(run)))
                               .trimmed());
    page.paint = [&run, reach, rows, o, size = page.body](QCPPainter& painter, QPointF at) {
        painter.setFont(figureFont(o, 10));
        ReachPlot{
            run, *reach, *rows, Palette::of(o.dark), QRectF(at, size - QSizeF(0, 4)), 1.0 / std::clamp(o.scale, 1, 4)}
            .paint(painter);
    };
    return page;
}

}  // namespace spanscope
