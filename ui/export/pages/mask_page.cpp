// The mask as a picture: rows of steps, columns of context positions.
#include <qcustomplot.h>
#include <algorithm>

#include "ui/export/figure.h"
#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/mask/mask_rulers.h"

namespace spanscope {

MaskFigureLayout maskFigureLayout(const RunData& run, const FigureOptions& o) {
    MaskFigureLayout l;
    const int scale = std::clamp(o.scale, 1, 4);
    const int width = std::clamp(o.width, 320, 4000);
    const int all = static_cast<int>(run.steps.size());
    l.firstStep = std::clamp(o.firstStep, 0, std::max(0, all - 1));
    const int last = o.lastStep < 0 ? all - 1 : std::min(o.lastStep, all - 1);
    l.nSteps = std::max(0, last - l.firstStep + 1);
    l.nColumns = 0;
    for (int i = 0; i < l.nSteps; ++i)
        l.nColumns =
            std::max(l.nColumns, std::clamp(run.steps[static_cast<size_t>(l.firstStep + i)].position, 0, 1 << 30) + 1);
    if (l.nSteps == 0) return l;
    const int left = static_cast<int>(kFigureMargin + MaskRulers::kLeft) * scale;
    const int roomX = (width - static_cast<int>(2 * kFigureMargin + MaskRulers::kLeft)) * scale;
    const int tall = o.height > 0 ? std::clamp(o.height, 240, 8000) - 150 : width * 2 / 3;
    const int roomY = std::max(80, tall) * scale;
    // Whole pixels to a cell where cells fit, so that they are all alike; else pixels stand for several cells.
    const int perColumn = std::min(roomX / l.nColumns, 18 * scale);
    l.x.cellsPerPixel = perColumn >= 1 ? 1.0 / perColumn : double(l.nColumns) / roomX;
    const int perRow =
        std::min({roomY / l.nSteps, 18 * scale, perColumn >= 1 ? std::max(perColumn, 4 * scale) : 6 * scale});
    l.y.cellsPerPixel = perRow >= 1 ? 1.0 / perRow : double(l.nSteps) / roomY;
    const QString title = orGiven(o.title, QStringLiteral("x"));
    const int top = static_cast<int>(kFigureMargin + titleHeight(title) + MaskRulers::kTop) * scale;
    l.plot = QRect(left, top, static_cast<int>(l.x.pixels(l.nColumns)), static_cast<int>(l.y.pixels(l.nSteps)));
    l.style = {o.dark, o.byPhase, o.showLoaded, scale};
    return l;
}

FigurePage maskPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    FigurePage page;
    const MaskFigureLayout l = maskFigureLayout(run, o);
    if (l.nSteps == 0) return page;
    const int scale = std::clamp(o.scale, 1, 4);
    // Whole pixels to a cell may leave some of the width asked for: the page closes up around what it holds.
    MaskRows rows;
    for (int i = 0; i < l.nSteps; ++i) rows.append(run.steps[static_cast<size_t>(l.firstStep + i)]);
    const MaskRulers measure{run, rows, Palette::of(o.dark), {}, {}, 1, {}, -1, -1, o.byPhase, o.showLoaded, 0};
    const double legend = o.legend ? measure.drawLegend(nullptr, QRectF(0, 0, 1, 22), figureFont(10.5)) : 0;
    page.body = QSizeF(std::max({MaskRulers::kLeft + double(l.plot.width()) / scale, legend, 292.0}),
                       MaskRulers::kTop + double(l.plot.height()) / scale + (o.legend ? 38 : 6));
    page.title = orGiven(o.title, QStringLiteral("What each step attended to \u00b7 %1 \u00b7 %2 attention")
                                      .arg(runName(run), QString::fromStdString(run.header.settings.attention.text())));
    int64_t attended = 0, loaded = 0, causal = 0;
    for (int i = 0; i < l.nSteps; ++i) {
        const StepRecord& s = run.steps[static_cast<size_t>(l.firstStep + i)];
        attended += s.attended;
        loaded += s.loaded;
        causal += s.causal;
    }
    const double all = static_cast<double>(std::max<int64_t>(1, causal));
    page.caption =
        orGiven(o.caption,
                QStringLiteral(
                    "Rows: steps %1 to %2, downward. Columns: context positions 0 to %3. Attended: %4 of what causal "
                    "attention allows; loaded in pages of %6 tokens: %5. %7")
                    .arg(l.firstStep)
                    .arg(l.firstStep + l.nSteps - 1)
                    .arg(l.nColumns - 1)
                    .arg(formatPercent(double(attended) / all), formatPercent(double(loaded) / all))
                    .arg(kPageTokens)
                    .arg(runOrigin(run))
                    .trimmed());
    page.paint = [&run, rows, o, l, scale](QCPPainter& painter, QPointF at) {
        const Palette& palette = Palette::of(o.dark);
        const QRectF plot(at.x() + MaskRulers::kLeft, at.y() + MaskRulers::kTop, double(l.plot.width()) / scale,
                          double(l.plot.height()) / scale);
        const QImage cells = rasterMask(rows, l.x, l.y, 0, 0, l.plot.width(), l.plot.height(), l.style);
        painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
        painter.drawImage(plot, cells);
        MaskWindow x{l.x, 0, l.plot.width(), l.nColumns}, y{l.y, 0, l.plot.height(), l.nSteps};
        const MaskRulers r{run, rows, palette, x, y, 1.0 / scale, plot, -1, -1, o.byPhase, o.showLoaded, l.firstStep};
        painter.setFont(figureFont(10));
        r.drawTop(painter);
        r.drawLeft(painter);
        painter.setPen(QPen(palette.inkSoft, 0.75));  // around the cells, not on them
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(plot.adjusted(-0.5, -0.5, 0.5, 0.5));
        painter.setPen(palette.inkSoft);
        painter.setFont(figureFont(10));
        painter.drawText(QRectF(at.x(), at.y(), MaskRulers::kLeft - 6, 13), Qt::AlignLeft | Qt::AlignVCenter,
                         QStringLiteral("query (step) \u2193"));
        painter.drawText(QRectF(at.x(), at.y() + 13, MaskRulers::kLeft - 6, 13), Qt::AlignLeft | Qt::AlignVCenter,
                         QStringLiteral("key (position) \u2192"));
        if (o.legend) {
            const double width = r.drawLegend(nullptr, QRectF(0, 0, 1, 22), figureFont(10.5));
            const double left = width > plot.width() ? std::max(at.x(), plot.right() - width) : plot.left();
            painter.setFont(figureFont(10.5));
            r.drawLegend(&painter, QRectF(left, plot.bottom() + 12, width, 22), figureFont(10.5));
        }
    };
    return page;
}

}  // namespace spanscope
