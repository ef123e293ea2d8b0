#include <qcustomplot.h>
#include <algorithm>

#include "engine/types/speed_up.h"
#include "ui/export/pages/page_parts.h"
#include "ui/model/format.h"
#include "ui/views/throughput/throughput_plot.h"

namespace spanscope {

namespace {

constexpr double kLeastWidth = 530;

QString speedUpText(const RunData& declared, const RunData& dense) {
    const SpeedUp up = speedUp(declared, dense);
    if (up.factor <= 0) return {};
    const QString text = QStringLiteral(": speed-up %1").arg(formatFactor(up.factor));
    return up.note().empty() ? text : text + ' ' + QString::fromStdString(up.note());
}

}  // namespace

FigurePage throughputPage(const ExportSource& source, const FigureOptions& o) {
    const RunData& declared = *source.run;
    const RunData* maybeDense = source.other;
    FigurePage page;
    if (declared.steps.empty()) return page;
    const double width = pageWidth(o);
    page.body = QSizeF(width, o.height > 0 ? std::clamp(o.height, 240, 8000) - 110 : width * 0.56);
    page.title = orGiven(o.title, QStringLiteral("Throughput \u00b7 %1").arg(runName(declared)));
    QString made;
    const double rate = declared.stats.decodeTokensPerS();
    const auto [first, second] = shownLaneNames(declared, maybeDense);
    if (rate > 0) made += QStringLiteral("Decode %1 %2").arg(formatRate(rate), first);
    if (maybeDense && maybeDense->stats.decodeTokensPerS() > 0)
        made += QStringLiteral(", %1 %2%3")
                    .arg(formatRate(maybeDense->stats.decodeTokensPerS()), second, speedUpText(declared, *maybeDense));
    made = sentence(made) + QStringLiteral(
                                "Rates over at least 0.5 s or %1 steps; KV tokens loaded are whole pages of %2 tokens, "
                                "mean over layers. %3")
                                .arg(ThroughputSeries::kWindowSteps)
                                .arg(kPageTokens)
                                .arg(runOrigin(declared));
    page.caption = orGiven(o.caption, made.trimmed());
    page.paint = [&declared, maybeDense, o, size = page.body](QCPPainter& painter, QPointF at) {
        QCustomPlot plot;
        plot.setFont(figureFont(o, 11));
        ThroughputSeries a, b;
        a.update(declared);
        if (maybeDense) b.update(*maybeDense);
        BytesModel model = maybeDense ? fitBytes(maybeDense->steps) : BytesModel{};
        if (!model.valid) model = fitBytes(declared.steps);
        ThroughputPlot body(&plot);
        body.setTheme(Palette::of(o.dark), 8.25);  // 11 pixels at 96 dpi
        body.setAxis(o.overTime ? ThroughputAxis::Time : ThroughputAxis::Context);
        const auto [name, otherName] = shownLaneNames(declared, maybeDense);
        body.setLaneNames(name, otherName);
        body.setData(a, b, model);
        body.fitRanges();
        // QCustomPlot paints in whole units; the painter's scale makes them finer.
        painter.save();
        painter.translate(at);
        // A narrow page has no room for the legends: there it is all smaller.
        const double zoom = std::min(1.0, size.width() / kLeastWidth);
        painter.scale(zoom, zoom);
        painter.setMode(QCPPainter::pmVectorized);
        painter.setMode(QCPPainter::pmNoCaching);
        plot.toPainter(&painter, static_cast<int>(size.width() / zoom), static_cast<int>(size.height() / zoom));
        painter.restore();
    };
    return page;
}

}  // namespace spanscope
