// The mask as a picture: rows of steps, columns of context positions.
#include <qcustomplot.h>
#include <algorithm>
#include <cmath>

#include "ui/export/figure.h"
#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/mask/mask_rulers.h"

namespace spanscope {

MaskFigureLayout maskFigureLayout(const RunData& run, const FigureOptions& o) {
    MaskFigureLayout l;
    const int pattern = std::clamp(o.scale, 1, 4);
    const double scale = pattern * pageZoom(o);
    const double width = outerWidth(o);
    const int all = static_cast<int>(run.steps.size());
    l.firstStep = std::clamp(o.firstStep, 0, std::max(0, all - 1));
    const int last = o.lastStep < 0 ? all - 1 : std::min(o.lastStep, all - 1);
    l.nSteps = std::max(0, last - l.firstStep + 1);
    int columns = 0;
    for (int i = 0; i < l.nSteps; ++i)
        columns =
            std::max(columns, std::clamp(run.steps[static_cast<size_t>(l.firstStep + i)].position, 0, 1 << 30) + 1);
    l.firstColumn = std::clamp(o.firstPosition, 0, std::max(0, columns - 1));
    if (o.lastPosition >= 0) columns = std::clamp(o.lastPosition, l.firstColumn, std::max(0, columns - 1)) + 1;
    l.nColumns = columns - l.firstColumn;
    if (l.nSteps == 0) return l;
    const auto pixels = [scale](double units) { return static_cast<int>(std::lround(units * scale)); };
    const int roomX = std::max(40, pixels(width - 2 * kFigureMargin - MaskRulers::kLeft));
    const double tall = o.height > 0 ? std::clamp(o.height, 240, 8000) - 150 : width * 2 / 3;
    const int roomY = pixels(std::max(80.0, tall));
    // Whole pixels to a cell where cells fit, so that they are all alike; else pixels stand for several cells. A page
    // of a given width is filled though, where that would leave much of it empty.
    const int perColumn = std::min(roomX / l.nColumns, pixels(18));
    const bool whole =
        perColumn >= 1 && (o.widthMm <= 0 || perColumn * l.nColumns * 10 >= roomX * 9 || perColumn >= pixels(18));
    l.x.cellsPerPixel = whole ? 1.0 / perColumn : double(l.nColumns) / roomX;
    const int perRow =
        std::min({roomY / l.nSteps, pixels(18), perColumn >= 1 ? std::max(perColumn, pixels(4)) : pixels(6)});
    l.y.cellsPerPixel = perRow >= 1 ? 1.0 / perRow : double(l.nSteps) / roomY;
    // Where cells are larger than pixels, a pixel stands for the one under its centre.
    const auto pixelOf = [&l](int cell) {
        const double at = l.x.pixelOf(cell);
        return static_cast<int64_t>(l.x.cellsPerPixel <= 1 ? std::ceil(at - 0.5 - 1e-6) : std::floor(at + 1e-6));
    };
    l.firstPixel = pixelOf(l.firstColumn);
    const QString title = orGiven(o.title, QStringLiteral("x"));
    l.plot = QRect(
        pixels(kFigureMargin + MaskRulers::kLeft), pixels(kFigureMargin + titleHeight(title) + MaskRulers::kTop),
        std::max(1, static_cast<int>((l.x.cellsPerPixel <= 1 ? pixelOf(columns) : l.x.pixels(columns)) - l.firstPixel)),
        static_cast<int>(l.y.pixels(l.nSteps)));
    l.unit = 1 / scale;
    l.style = {o.dark, o.byPhase, o.showLoaded, pattern};
    return l;
}

FigurePage maskPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& run = *source.run;
    FigurePage page;
    const MaskFigureLayout l = maskFigureLayout(run, o);
    if (l.nSteps == 0) return page;
    // Whole pixels to a cell may leave some of the width asked for: the page closes up around what it holds.
    MaskRows rows;
    for (int i = 0; i < l.nSteps; ++i) rows.append(run.steps[static_cast<size_t>(l.firstStep + i)]);
    const MaskRulers measure{run, rows, Palette::of(o.dark), {}, {}, 1, {}, -1, -1, o.byPhase, o.showLoaded, 0};
    const double legend = o.legend ? measure.drawLegend(nullptr, QRectF(0, 0, 1, 22), figureFont(o, 10.5)) : 0;
    const double room = pageWidth(o);  // a legend that is wider shrinks
    page.body = QSizeF(std::max({MaskRulers::kLeft + l.width(), std::min(legend, room), std::min(292.0, room)}),
                       MaskRulers::kTop + l.height() + (o.legend ? 38 : 6));
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
                    "Rows: steps %1 to %2, downward. Columns: context positions %3 to %4. Attended: %5 of what causal "
                    "attention allows; loaded in pages of %6 tokens: %7. %8")
                    .arg(l.firstStep)
                    .arg(l.firstStep + l.nSteps - 1)
                    .arg(l.firstColumn)
                    .arg(l.firstColumn + l.nColumns - 1)
                    .arg(formatPercent(double(attended) / all))
                    .arg(kPageTokens)
                    .arg(formatPercent(double(loaded) / all))
                    .arg(runOrigin(run))  // last: it may quote what looks like a place to fill in
                    .trimmed());
    page.paint = [&run, rows, o, l](QCPPainter& painter, QPointF at) {
        const Palette& palette = Palette::of(o.dark);
        const QRectF plot(l.left(), l.top(), l.width(), l.height());
        const QImage cells = rasterMask(rows, l.x, l.y, l.firstPixel, 0, l.plot.width(), l.plot.height(), l.style);
        painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
        painter.drawImage(plot, cells);
        MaskWindow x{l.x, double(l.firstPixel), l.plot.width(), l.firstColumn + l.nColumns},
            y{l.y, 0, l.plot.height(), l.nSteps};
        const MaskRulers r{run, rows, palette, x, y, l.unit, plot, -1, -1, o.byPhase, o.showLoaded, l.firstStep};
        painter.setFont(figureFont(o, 10));
        r.drawTop(painter);
        r.drawLeft(painter);
        painter.setPen(QPen(palette.inkSoft, 0.75));  // around the cells, not on them
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(plot.adjusted(-0.5, -0.5, 0.5, 0.5));
        painter.setPen(palette.inkSoft);
        painter.setFont(figureFont(o, 10));
        painter.drawText(QRectF(at.x(), at.y(), MaskRulers::kLeft - 6, 13), Qt::AlignLeft | Qt::AlignVCenter,
                         QStringLiteral("query (step) \u2193"));
        painter.drawText(QRectF(at.x(), at.y() + 13, MaskRulers::kLeft - 6, 13), Qt::AlignLeft | Qt::AlignVCenter,
                         QStringLiteral("key (position) \u2192"));
        if (o.legend) {
            const double width =
                std::min(r.drawLegend(nullptr, QRectF(0, 0, 1, 22), figureFont(o, 10.5)), pageWidth(o));
            const double left = width > plot.width() ? std::max(at.x(), plot.right() - width) : plot.left();
            painter.setFont(figureFont(o, 10.5));
            r.drawLegend(&painter, QRectF(left, plot.bottom() + 12, width, 22), figureFont(o, 10.5));
        }
    };
    return page;
}

}  // namespace spanscope
