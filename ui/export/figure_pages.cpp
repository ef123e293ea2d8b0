#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

#include "engine/types/speed_up.h"
#include "ui/export/figure_page.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/graph/graph_layout.h"
#include "ui/views/mask/mask_rulers.h"
#include "ui/views/throughput/throughput_plot.h"
#include "ui/views/timeline/timeline_clock.h"

namespace spanscope {

namespace {

QString sentence(const QString& text) { return text.isEmpty() ? QString() : text + QStringLiteral(". "); }

}  // namespace

QString runName(const RunData& run) {
    QStringList parts;
    for (const std::string& s : {run.header.modelName, run.header.settings.task})
        if (!s.empty()) parts << shownLine(s, 60);
    return parts.join(QStringLiteral(" \u00b7 "));
}

QString orGiven(const std::string& given, const QString& made) {
    if (given == "-") return {};
    return given.empty() ? made : QString::fromStdString(given);
}

QString runOrigin(const RunData& run) {
    QStringList parts;
    if (!run.header.modelHash.empty())
        parts << QStringLiteral("Model %1").arg(shownLine(run.header.modelHash.substr(0, 12)));
    if (!run.header.backend.empty())
        parts << QStringLiteral("%1 (%2)").arg(shownLine(run.header.backend, 60), shownLine(run.header.device, 60));
    if (!run.header.programVersion.empty())
        parts << QStringLiteral("Spanscope %1").arg(shownLine(run.header.programVersion, 60));
    return sentence(parts.join(QStringLiteral(", ")));
}

double titleHeight(const QString& title) { return title.isEmpty() ? 0 : 26; }

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

FigurePage maskPage(const RunData& run, const FigureOptions& o) {
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
    page.title = orGiven(o.title, QStringLiteral("What each step could read \u00b7 %1 \u00b7 %2 attention")
                                      .arg(runName(run), QString::fromStdString(run.header.settings.attention.text())));
    int64_t attended = 0, loaded = 0, causal = 0;
    for (int i = 0; i < l.nSteps; ++i) {
        const StepRecord& s = run.steps[static_cast<size_t>(l.firstStep + i)];
        attended += s.attended;
        loaded += s.loaded;
        causal += s.causal;
    }
    const double all = static_cast<double>(std::max<int64_t>(1, causal));
    page.caption = orGiven(
        o.caption,
        QStringLiteral(
            "Rows: steps %1 to %2, downward. Columns: context positions 0 to %3. Read: %4 of what causal attention "
            "allows, %5 in pages of %6 tokens. %7")
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

static QString speedUpText(const RunData& declared, const RunData& dense) {
    const SpeedUp up = speedUp(declared, dense);
    if (up.factor <= 0) return {};
    const QString text = QStringLiteral(": speed-up %1").arg(formatFactor(up.factor));
    return up.note().empty() ? text : text + ' ' + QString::fromStdString(up.note());
}

FigurePage throughputPage(const RunData& declared, const RunData* maybeDense, const FigureOptions& o) {
    FigurePage page;
    if (declared.steps.empty()) return page;
    const double width = std::clamp(o.width, 320, 4000) - 2 * kFigureMargin;
    page.body = QSizeF(width, o.height > 0 ? std::clamp(o.height, 240, 8000) - 110 : width * 0.56);
    page.title = orGiven(o.title, QStringLiteral("Throughput \u00b7 %1").arg(runName(declared)));
    QString made;
    const double rate = declared.stats.decodeTokensPerS();
    const auto [first, second] = laneNames(declared, maybeDense);
    if (rate > 0) made += QStringLiteral("Decode %1 %2").arg(formatRate(rate), first);
    if (maybeDense && maybeDense->stats.decodeTokensPerS() > 0)
        made += QStringLiteral(", %1 %2%3")
                    .arg(formatRate(maybeDense->stats.decodeTokensPerS()), second, speedUpText(declared, *maybeDense));
    made = sentence(made) +
           QStringLiteral("Rates over at least 0.5 s or %1 steps; KV tokens read are whole pages of %2 tokens. %3")
               .arg(ThroughputSeries::kWindowSteps)
               .arg(kPageTokens)
               .arg(runOrigin(declared));
    page.caption = orGiven(o.caption, made.trimmed());
    page.paint = [&declared, maybeDense, o, size = page.body](QCPPainter& painter, QPointF at) {
        QCustomPlot plot;
        plot.setFont(figureFont(11));
        ThroughputSeries a, b;
        a.update(declared);
        if (maybeDense) b.update(*maybeDense);
        BytesModel model = maybeDense ? fitBytes(maybeDense->steps) : BytesModel{};
        if (!model.valid) model = fitBytes(declared.steps);
        ThroughputPlot body(&plot);
        body.setTheme(Palette::of(o.dark), 8.25);  // 11 pixels at 96 dpi
        body.setAxis(o.overTime ? ThroughputAxis::Time : ThroughputAxis::Context);
        const auto [name, otherName] = laneNames(declared, maybeDense);
        body.setLaneNames(name, otherName);
        body.setData(a, b, model);
        body.fitRanges();
        // QCustomPlot paints in whole units; the painter's scale makes them finer.
        painter.save();
        painter.translate(at);
        painter.setMode(QCPPainter::pmVectorized);
        painter.setMode(QCPPainter::pmNoCaching);
        plot.toPainter(&painter, static_cast<int>(size.width()), static_cast<int>(size.height()));
        painter.restore();
    };
    return page;
}

FigurePage timelinePage(const RunData& run, const RunData* maybeDense, const FigureOptions& o) {
    FigurePage page;
    if (run.steps.empty()) return page;
    const double width = std::clamp(o.width, 320, 4000) - 2 * kFigureMargin;
    const double lane = 30;
    page.body = QSizeF(width, (maybeDense ? 2 : 1) * (lane + 8) + 18 + (o.legend ? 22 : 0));
    page.title = orGiven(o.title, QStringLiteral("The run along time \u00b7 %1").arg(runName(run)));
    page.caption = orGiven(o.caption, runOrigin(run).trimmed());
    page.paint = [&run, maybeDense, o, width, lane](QCPPainter& painter, QPointF at) {
        const Palette& palette = Palette::of(o.dark);
        std::vector<const RunData*> runs{&run};
        if (maybeDense) runs.push_back(maybeDense);
        double total = 1;
        std::vector<StepTimes> times(runs.size());
        for (size_t i = 0; i < runs.size(); ++i) {
            times[i].update(*runs[i]);
            total = std::max(total, double(times[i].totalNs()));
        }
        const double left = at.x() + 74, room = width - 74;
        painter.setFont(figureFont(11));
        double y = at.y();
        std::array<bool, kPhases> seen{};
        for (size_t k = 0; k < runs.size(); ++k) {
            const auto& steps = runs[k]->steps;
            painter.setPen(palette.ink);
            painter.drawText(QRectF(at.x(), y, 66, lane), Qt::AlignRight | Qt::AlignVCenter,
                             QString::fromStdString(runs[k]->header.settings.attention.text()));
            for (size_t i = 0; i < steps.size();) {
                size_t end = i + 1;
                while (end < steps.size() && steps[end].phase == steps[i].phase &&
                       steps[end].segment == steps[i].segment)
                    ++end;
                const double from = left + room * double(times[k].beginNs(int(i))) / total;
                const double to = left + room * double(times[k].endNs(int(end) - 1)) / total;
                fillPhase(painter, QRectF(from, y, std::max(0.5, to - from), lane), steps[i].phase, palette);
                seen[static_cast<size_t>(steps[i].phase)] = true;
                if (i > 0 && steps[i].segment != steps[i - 1].segment)
                    painter.fillRect(QRectF(from - 0.5, y, 1, lane), palette.ground);
                i = end;
            }
            y += lane + 8;
        }
        painter.setPen(palette.inkSoft);
        const double rough = total / 1e9 / 8;
        double tick = std::pow(10, std::floor(std::log10(rough)));
        for (const double f : {1.0, 2.0, 5.0, 10.0})
            if (tick * f >= rough) {
                tick *= f;
                break;
            }
        for (int i = 0; i * tick <= total / 1e9; ++i) {
            const double x = left + room * i * tick * 1e9 / total;
            painter.drawLine(QPointF(x, y - 6), QPointF(x, y - 2));
            painter.drawText(QRectF(x - 40, y - 2, 80, 14), Qt::AlignCenter,
                             i == 0 ? QStringLiteral("0") : formatDuration(qint64(i * tick * 1e9)));
        }
        if (!o.legend) return;
        double x = left;
        y += 20;
        for (int p = 1; p < kPhases; ++p) {
            if (!seen[static_cast<size_t>(p)]) continue;
            fillPhase(painter, QRectF(x, y, 26, 13), static_cast<Phase>(p), palette);
            painter.setPen(palette.ink);
            const QString name = phaseName(static_cast<Phase>(p));
            painter.drawText(QRectF(x + 32, y - 2, 100, 17), Qt::AlignLeft | Qt::AlignVCenter, name);
            x += 32 + QFontMetricsF(painter.font()).horizontalAdvance(name) + 18;
        }
    };
    return page;
}

FigurePage graphPage(const RunData& run, const FigureOptions& o) {
    FigurePage page;
    const auto graph = std::make_shared<GraphLayout>(layoutGraph(run));
    if (graph->nodes.empty()) return page;
    // At its own size where that fits, else scaled down to the page.
    const double width = std::clamp(o.width, 320, 4000) - 2 * kFigureMargin;
    const double zoom = std::min(1.0, width / graph->size.width());
    page.body = QSizeF(width, graph->size.height() * zoom);
    page.title = orGiven(o.title, QStringLiteral("Which segment read which \u00b7 %1").arg(runName(run)));
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
        painter.setFont(figureFont(11));
        paintGraph(painter, *graph, Palette::of(o.dark), -1);
        painter.restore();
    };
    return page;
}

}  // namespace spanscope
