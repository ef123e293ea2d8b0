#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/model/tint.h"
#include "ui/views/mask/mask_rulers.h"

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
        const QRectF plot(at.x() + kAxis, at.y() + ribbon, width - kAxis, 2 * half);
        std::vector<float> dense = probe.dense, declared = probe.restricted;
        declared.resize(dense.size(), 0.0F);
        if (o.withoutFirst) dense[0] = declared[0] = 0;
        const int n = static_cast<int>(dense.size());
        const double most = std::max({1e-9, largest(dense), largest(declared)}), middle = plot.center().y();
        painter.setFont(figureFont(10));
        if (probe.visible)
            for (const Interval& interval : *probe.visible) {
                const Interval i = clipToQuery(interval, probe.position);
                if (i.begin < i.end)
                    painter.fillRect(QRectF(plot.left() + plot.width() * i.begin / n, plot.top(),
                                            plot.width() * (i.end - i.begin) / n, plot.height()),
                                     mix(c.ground, c.declared, 0.13));
            }
        const auto percent = [](double v) { return formatPercent(v); };
        drawLevels(painter, plot, middle, plot.top() + 6, most, c, percent);
        drawLevels(painter, plot, middle, plot.bottom() - 6, most, c, percent);
        const int columns = std::max(1, static_cast<int>(plot.width()) * std::clamp(o.scale, 1, 4));
        const double unit = plot.width() / columns;
        std::vector<double> up, down;
        for (int x = 0; x < columns; ++x) {
            up.push_back(std::sqrt(double(pooled(dense, x, columns)) / most) * (half - 6));
            down.push_back(-std::sqrt(double(pooled(declared, x, columns)) / most) * (half - 6));
        }
        fillColumns(painter, plot.left(), middle, unit, up, c.dense);
        fillColumns(painter, plot.left(), middle, unit, down, c.declared);
        painter.setPen(QPen(c.inkSoft, 1));
        painter.drawLine(QPointF(plot.left(), middle), QPointF(plot.right(), middle));
        MaskRows none;
        MaskWindow x, y;
        x.extent = columns;
        x.nCells = n;
        x.axis.cellsPerPixel = double(n) / columns;
        const MaskRulers rulers{run, none, c, x, y, unit, plot, -1, -1, true, true, 0};
        rulers.drawTop(painter);
        if (!o.legend) return;
        double left = plot.left();
        const double top = plot.bottom() + 10;
        painter.setFont(figureFont(10.5));
        drawSwatch(painter, left, top, c.dense, QStringLiteral("dense, upward"), c);
        drawSwatch(painter, left, top, c.declared, QStringLiteral("declared, downward"), c);
        drawSwatch(painter, left, top, mix(c.ground, c.declared, 0.13), QStringLiteral("inside the span"), c);
    };
    return page;
}

}  // namespace spanscope
