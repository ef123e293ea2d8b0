// What two runs attended to, cell by cell.
#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>

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
    const int scale = std::clamp(o.scale, 1, 4);
    l.plot.setHeight(static_cast<int>(l.y.pixels(l.nSteps)));
    page.body = QSizeF(std::max(MaskRulers::kLeft + double(l.plot.width()) / scale, 430.0),
                       MaskRulers::kTop + double(l.plot.height()) / scale + (o.legend ? 38 : 6));
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
    page.paint = [&first, diff, o, l, scale, a, b](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        const QRectF plot(at.x() + MaskRulers::kLeft, at.y() + MaskRulers::kTop, double(l.plot.width()) / scale,
                          double(l.plot.height()) / scale);
        MaskDiff part;
        part.rows.assign(diff->rows.begin() + l.firstStep, diff->rows.begin() + l.firstStep + l.nSteps);
        part.nColumns = l.nColumns;
        painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
        painter.drawImage(plot, rasterDiff(part, l.x, l.y, 0, 0, l.plot.width(), l.plot.height(), o.dark, scale));
        MaskRows rows;
        for (int i = 0; i < l.nSteps; ++i) rows.append(first.steps[static_cast<size_t>(l.firstStep + i)]);
        const MaskWindow x{l.x, 0, l.plot.width(), l.nColumns}, y{l.y, 0, l.plot.height(), l.nSteps};
        const MaskRulers r{first, rows, c, x, y, 1.0 / scale, plot, -1, -1, true, true, l.firstStep};
        painter.setFont(figureFont(10));
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
        double left = plot.left();
        painter.setFont(figureFont(10.5));
        for (const DiffState s : {DiffState::OnlyFirst, DiffState::OnlySecond, DiffState::Both, DiffState::Neither}) {
            QImage swatch(13, 13, QImage::Format_RGB32);
            for (int v = 0; v < 13; ++v)
                for (int u = 0; u < 13; ++u) swatch.setPixel(u, v, diffPixel(s, c, u, v, 1));
            const QString name = s == DiffState::OnlyFirst    ? QStringLiteral("only %1").arg(a)
                                 : s == DiffState::OnlySecond ? QStringLiteral("only %1").arg(b)
                                                              : QString(diffStateName(s));
            painter.drawImage(QRectF(left, plot.bottom() + 12, 13, 13), swatch);
            painter.setPen(c.ink);
            painter.drawText(QPointF(left + 18, plot.bottom() + 23), name);
            left += 18 + QFontMetricsF(painter.font()).horizontalAdvance(name) + 16;
        }
    };
    return page;
}

}  // namespace spanscope
