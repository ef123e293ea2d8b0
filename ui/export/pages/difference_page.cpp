// What two runs attended to, cell by cell.
#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <array>

#include "engine/types/run_diff.h"
#include "ui/export/figure.h"
#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/mask/mask_diff.h"
#include "ui/views/mask/mask_rulers.h"

namespace spanscope {

FigurePage differencePage(const ExportSource& source, const FigureOptions& o) {
    const RunData &first = *source.run, &second = *source.other;
    FigurePage page;
    const auto diff = std::make_shared<MaskDiff>(diffRuns(first, second));
    if (diff->rows.empty()) return page;
    MaskFigureLayout l = maskFigureLayout(first, o);  // of the first run's rows, as far as the second has them
    l.nSteps = std::min(l.nSteps, static_cast<int>(diff->rows.size()) - l.firstStep);
    if (l.nSteps < 1) return page;
    l.plot.setHeight(static_cast<int>(l.y.pixels(l.nSteps)));
    page.body = QSizeF(std::max(MaskRulers::kLeft + l.width(), std::min(430.0, pageWidth(o))),
                       MaskRulers::kTop + l.height() + (o.legend ? 38 : 6));
    const QString a = QString::fromStdString(first.header.settings.attention.text());
    QString b = QString::fromStdString(second.header.settings.attention.text());
    if (a == b) b += QStringLiteral(" (second)");
    page.title = orGiven(o.title, QStringLiteral("What two runs attended to \u00b7 %1 against %2").arg(a, b));
    const double all = double(std::max<int64_t>(1, diff->cellsBoth + diff->cellsOnlyFirst + diff->cellsOnlySecond));
    page.caption = orGiven(
        o.caption,
        (QStringLiteral("Rows: steps %1 to %2, downward. Columns: context positions. Of all that was attended, both "
                        "attended to %3, only %4 to %5, only %6 to %7. %8%9")
             .arg(l.firstStep)
             .arg(l.firstStep + l.nSteps - 1)
             .arg(formatPercent(double(diff->cellsBoth) / all), a, formatPercent(double(diff->cellsOnlyFirst) / all), b,
                  formatPercent(double(diff->cellsOnlySecond) / all),
                  diff->parting >= 0 ? QStringLiteral("From step %1 on the texts differ. ").arg(diff->parting)
                                     : QString(),
                  runOrigin(first)))
            .trimmed());
    page.paint = [&first, diff, o, l, a, b](QCPPainter& painter, QPointF) {
        const Palette& c = Palette::of(o.dark);
        const QRectF plot(l.left(), l.top(), l.width(), l.height());
        MaskDiff part;
        part.rows.assign(diff->rows.begin() + l.firstStep, diff->rows.begin() + l.firstStep + l.nSteps);
        part.nColumns = l.firstColumn + l.nColumns;
        painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
        painter.drawImage(
            plot, rasterDiff(part, l.x, l.y, l.firstPixel, 0, l.plot.width(), l.plot.height(), c, l.style.pattern));
        MaskRows rows;
        for (int i = 0; i < l.nSteps; ++i) rows.append(first.steps[static_cast<size_t>(l.firstStep + i)]);
        const MaskWindow x{l.x, double(l.firstPixel), l.plot.width(), l.firstColumn + l.nColumns},
            y{l.y, 0, l.plot.height(), l.nSteps};
        const MaskRulers r{first, rows, c, x, y, l.unit, plot, -1, -1, true, true, l.firstStep};
        painter.setFont(figureFont(o, 10));
        r.drawTop(painter);
        r.drawLeft(painter);
        painter.setPen(QPen(c.inkSoft, 0.75));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(plot.adjusted(-0.5, -0.5, 0.5, 0.5));
        const int parting = diff->parting - l.firstStep;
        if (diff->parting >= 0 && parting >= 0 && parting < l.nSteps) {
            painter.setPen(QPen(c.ink, 1, Qt::DashLine));
            painter.drawLine(QPointF(plot.left(), r.yOf(parting)), QPointF(plot.right(), r.yOf(parting)));
        }
        if (!o.legend) return;
        painter.setFont(figureFont(o, 10.5));
        const QFontMetricsF metrics(painter.font());
        const auto nameOf = [&a, &b](DiffState s) {
            return s == DiffState::OnlyFirst    ? QStringLiteral("only %1").arg(a)
                   : s == DiffState::OnlySecond ? QStringLiteral("only %1").arg(b)
                                                : QString(diffStateName(s));
        };
        constexpr std::array kStates{DiffState::OnlyFirst, DiffState::OnlySecond, DiffState::Both, DiffState::Neither};
        double wanted = 0;
        for (const DiffState s : kStates) wanted += 34 + metrics.horizontalAdvance(nameOf(s));
        const double start = plot.left() - MaskRulers::kLeft, top = plot.bottom() + 12;
        drawFitted(painter, QPointF(start, top), wanted, pageWidth(o), [&] {
            double left = start;
            for (const DiffState s : kStates) {
                QImage swatch(13, 13, QImage::Format_RGB32);
                for (int v = 0; v < 13; ++v)
                    for (int u = 0; u < 13; ++u) swatch.setPixel(u, v, diffPixel(s, c, u, v, 1));
                painter.drawImage(QRectF(left, top, 13, 13), swatch);
                painter.setPen(c.ink);
                painter.drawText(QPointF(left + 18, top + 11), nameOf(s));
                left += 34 + metrics.horizontalAdvance(nameOf(s));
            }
        });
    };
    return page;
}

}  // namespace spanscope
