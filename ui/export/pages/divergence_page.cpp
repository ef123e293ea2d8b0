#include <qcustomplot.h>
#include <algorithm>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/probe/probe_paint.h"

namespace spanscope {

FigurePage divergencePage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    const DivergenceCurve& curve = *source.curve;
    FigurePage page;
    const int n = static_cast<int>(std::min(curve.klNats.size(), curve.sameTop.size()));
    if (n == 0) return page;
    page.body = QSizeF(pageWidth(o), 170 + 6 + DivergencePlot::kBottom);
    const QString attention = QString::fromStdString(run.header.settings.attention.text());
    page.title = orGiven(o.title, QStringLiteral("Divergence of %1 from dense \u00b7 %2").arg(attention, runName(run)));
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += double(curve.klNats[static_cast<size_t>(i)]);
    const auto different = std::count(curve.sameTop.begin(), curve.sameTop.begin() + n, uint8_t{0});
    page.caption =
        orGiven(o.caption,
                (QStringLiteral("KL(dense \u2016 %5) of the next token at every step, teacher-forced on the same "
                                "text, temperature 1, natural "
                                "logarithm; square-root scale. Mean %1. %2 of %3 steps would choose differently%4. %6")
                     .arg(formatNats(sum / n))
                     .arg(different)
                     .arg(n)
                     .arg(different ? QStringLiteral(" (marks below)") : QString(), attention, runOrigin(run)))
                    .trimmed());
    page.paint = [&curve, o, size = page.body](QCPPainter& painter, QPointF at) {
        painter.setFont(figureFont(o, 10));
        DivergencePlot{curve, Palette::of(o.dark), QRectF(at, size), 1.0 / std::clamp(o.scale, 1, 4)}.paint(painter);
    };
    return page;
}

}  // namespace spanscope
