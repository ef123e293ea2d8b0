#include <qcustomplot.h>
#include <algorithm>
#include <cmath>

#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"

namespace spanscope {

FigurePage divergencePage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    const DivergenceCurve& curve = *source.curve;
    FigurePage page;
    const int n = static_cast<int>(std::min(curve.klNats.size(), curve.sameTop.size()));
    if (n == 0) return page;
    const double width = pageWidth(o), height = 170;
    page.body = QSizeF(width, height + 44);
    page.title = orGiven(o.title, QStringLiteral("Divergence of declared from dense \u00b7 %1").arg(runName(run)));
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += double(curve.klNats[static_cast<size_t>(i)]);
    const auto different = std::count(curve.sameTop.begin(), curve.sameTop.begin() + n, uint8_t{0});
    page.caption =
        orGiven(o.caption,
                (QStringLiteral("KL(dense \u2016 declared) of the next token at every step, teacher-forced on the same "
                                "text, temperature 1, natural "
                                "logarithm; square-root scale. Mean %1. %2 of %3 steps would choose differently%4. %5")
                     .arg(formatNats(sum / n))
                     .arg(different)
                     .arg(n)
                     .arg(different ? QStringLiteral(" (marks below)") : QString(), runOrigin(run)))
                    .trimmed());
    page.paint = [&curve, o, n, width, height](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        const QRectF plot(at.x() + kAxis, at.y() + 6, width - kAxis, height);
        painter.setFont(figureFont(10));
        const double most = std::max(1e-12, largest(curve.klNats));
        drawLevels(painter, plot, plot.bottom(), plot.top(), most, c, [](double v) { return formatNumber(v); });
        const int columns = std::max(1, static_cast<int>(plot.width()) * std::clamp(o.scale, 1, 4));
        const double unit = plot.width() / columns;
        std::vector<double> bars;
        for (int x = 0; x < columns; ++x)
            bars.push_back(std::sqrt(double(pooled(curve.klNats, x, columns)) / most) * height);
        fillColumns(painter, plot.left(), plot.bottom(), unit, bars, c.declared);
        for (int i = 0; i < n; ++i)
            if (!curve.sameTop[static_cast<size_t>(i)])
                painter.fillRect(
                    QRectF(plot.left() + plot.width() * i / n, plot.bottom() + 1, std::max(1.5, plot.width() / n), 4),
                    c.accent);
        drawTicks(painter, plot.adjusted(0, 0, 0, 4), n, c);
        painter.setPen(c.ink);
        painter.drawText(QRectF(plot.left(), plot.bottom() + 24, plot.width(), 14), Qt::AlignCenter,
                         QStringLiteral("step"));
        painter.save();
        painter.translate(at.x() + 8, plot.center().y());
        painter.rotate(-90);
        painter.drawText(QRectF(-height / 2, -7, height, 14), Qt::AlignCenter, QStringLiteral("nats"));
        painter.restore();
    };
    return page;
}

}  // namespace spanscope
