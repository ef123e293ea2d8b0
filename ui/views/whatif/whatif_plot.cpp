#include "ui/views/whatif/whatif_plot.h"

#include <qcustomplot.h>

#include <algorithm>
#include <limits>

#include "ui/model/format.h"
#include "ui/views/throughput/plot_theme.h"

namespace spanscope {

namespace {

constexpr double kFarApart = 5;  // times, of what a straight scale shows beside each other
constexpr double kDenseRow = 3, kSpansRow = 2, kNothingRow = 1;

QString ms(double ns) { return formatDuration(qRound64(ns)); }

}  // namespace

WhatIfPlot::WhatIfPlot(QCustomPlot* plot) : m_plot(plot) {
    const StackedPlots stacked = stackPlots(plot, 16);
    m_top = stacked.top;
    m_bottom = stacked.bottom;
    m_topLegend = stacked.topLegend;
    m_bottomLegend = stacked.bottomLegend;
    plot->plotLayout()->setRowStretchFactor(1, 1.7);
    for (QCPAxisRect* rect : {m_top, m_bottom}) {
        for (QCPAxis* axis : {rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft)}) {
            axis->setNumberFormat("gb");
            axis->setNumberPrecision(4);
            axis->ticker()->setTickCount(4);
        }
    }
    QCPAxis *x = m_top->axis(QCPAxis::atBottom), *y = m_top->axis(QCPAxis::atLeft);
    x->setNumberFormat("f");
    x->setNumberPrecision(0);
    x->setLabel(QObject::tr("context length (tokens)"));
    y->setLabel(QObject::tr("ms a step"));
    const auto graph = [&](const QString& name) {
        QCPGraph* g = plot->addGraph(x, y);
        g->setName(name);
        return g;
    };
    m_nothing = graph(QObject::tr("nothing of the context read"));
    m_dense = graph(QObject::tr("dense"));
    m_spans = graph(QObject::tr("spans"));
    m_measuredDense = graph(QObject::tr("dense, measured"));
    m_measuredSpans = graph(QObject::tr("spans, measured"));
    for (QCPGraph* marks : {m_measuredDense, m_measuredSpans}) marks->setLineStyle(QCPGraph::lsNone);
    m_at = new QCPItemStraightLine(plot);
    m_at->setClipAxisRect(m_top);
    for (QCPItemPosition* p : {m_at->point1, m_at->point2}) {
        p->setAxes(x, y);
        p->setAxisRect(m_top);
        p->setTypeX(QCPItemPosition::ptPlotCoords);
        p->setTypeY(QCPItemPosition::ptAxisRectRatio);
    }
    QCPAxis *names = m_bottom->axis(QCPAxis::atLeft), *times = m_bottom->axis(QCPAxis::atBottom);
    QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
    ticker->addTick(kDenseRow, QObject::tr("dense"));
    ticker->addTick(kSpansRow, QObject::tr("spans"));
    ticker->addTick(kNothingRow, QObject::tr("nothing read"));
    names->setTicker(ticker);
    names->setRange(0.4, 3.6);
    names->grid()->setVisible(false);
    names->setSubTicks(false);
    times->setLabel(QObject::tr("ms a step, at that context"));
    const auto bars = [&](const QString& name, QCPBars* below) {
        auto* b = new QCPBars(names, times);
        b->setName(name);
        b->setWidth(0.66);
        b->setAntialiased(false);
        if (below) b->moveAbove(below);
        return b;
    };
    m_weights = bars(QObject::tr("weights"), nullptr);
    m_kv = bars(QObject::tr("keys and values"), m_weights);
    m_fixed = bars(QObject::tr("fixed part"), m_kv);
}

void WhatIfPlot::setTheme(const Palette& p, double fontPoints) {
    themePlot(*m_plot, p, fontPoints);
    m_ink = p.ink;
    m_nothing->setPen(QPen(p.inkSoft, 1, Qt::DashDotLine));
    m_dense->setPen(QPen(p.dense, 2, Qt::DashLine));
    m_spans->setPen(QPen(p.declared, 2));
    const auto marks = [](QCPGraph* g, QCPScatterStyle::ScatterShape shape, const QColor& color) {
        g->setPen(QPen(color, 1));
        g->setScatterStyle(QCPScatterStyle(shape, QPen(color, 1.4), Qt::NoBrush, 6));
    };
    marks(m_measuredDense, QCPScatterStyle::ssSquare, p.dense);
    marks(m_measuredSpans, QCPScatterStyle::ssCircle, p.declared);
    m_at->setPen(QPen(p.accent, 1, Qt::DashLine));
    const auto fill = [&p](QCPBars* b, const QColor& color, Qt::BrushStyle style) {
        b->setPen(QPen(p.inkSoft, 1));
        b->setBrush(QBrush(color, style));
    };
    fill(m_weights, p.inkSoft, Qt::SolidPattern);
    fill(m_kv, p.loadedDot, Qt::SolidPattern);
    fill(m_fixed, p.inkSoft, Qt::BDiagPattern);
}

void WhatIfPlot::setData(const RunCost& cost, const SpanLoad& spans, const WhatIf& how) {
    for (QCPGraph* g : {m_nothing, m_dense, m_spans, m_measuredDense, m_measuredSpans}) g->data()->clear();
    double measured = 0, predicted = 0, least = std::numeric_limits<double>::max();
    for (const CostRow& row : costRows(cost, spans, how)) {
        const std::string_view attention = row.attention;
        QCPGraph* g = attention == "nothing" ? m_nothing
                      : attention == "dense" ? (row.measured ? m_measuredDense : m_dense)
                                             : (row.measured ? m_measuredSpans : m_spans);
        g->addData(row.context, row.ns() / 1e6);
        double& most = row.measured ? measured : predicted;
        most = std::max(most, row.ns() / 1e6);
        least = std::min(least, row.ns() / 1e6);
    }
    setTimes(least, std::max(measured, predicted),
             measured > kFarApart * predicted || (measured > 0 && predicted > 10 * kFarApart * measured));
    m_top->axis(QCPAxis::atBottom)->setRange(0, curveEnd(cost, how));
    m_at->point1->setCoords(how.context, 0);
    m_at->point2->setCoords(how.context, 1);
    const CostComparison c = compareCost(cost.bytes, spans, how, how.context);
    for (QCPBars* b : {m_weights, m_kv, m_fixed}) b->data()->clear();
    const auto bar = [this](double row, const StepTime& t) {
        m_weights->addData(row, t.weightNs / 1e6);
        m_kv->addData(row, t.kvNs / 1e6);
        m_fixed->addData(row, t.fixedNs / 1e6);
    };
    bar(kDenseRow, c.dense);
    if (c.hasSpans) bar(kSpansRow, c.spans);
    bar(kNothingRow, c.nothing);
    m_bottom->axis(QCPAxis::atBottom)->setRange(0, c.dense.ns() / 1e6 * 1.05);
    // Legends name what is there.
    const auto name = [this](QCPLegend* legend, std::initializer_list<QCPAbstractPlottable*> all) {
        legend->clearItems();
        legend->setWrap(m_plot->width() < 560 ? 3 : 5);
        for (QCPAbstractPlottable* p : all) {
            const auto* graph = qobject_cast<QCPGraph*>(p);
            if (graph && graph->data()->isEmpty()) continue;
            auto* item = new QCPPlottableLegendItem(legend, p);
            item->setTextColor(m_ink);
            item->setFont(legend->font());
            legend->addItem(item);
        }
    };
    name(m_topLegend, {m_dense, m_spans, m_measuredDense, m_measuredSpans, m_nothing});
    name(m_bottomLegend, {m_weights, m_kv, m_fixed});
}

/// On a scale on which what was measured and what is predicted for quite another machine can both be read.
void WhatIfPlot::setTimes(double least, double most, bool logarithmic) {
    QCPAxis* axis = m_top->axis(QCPAxis::atLeft);
    if (logarithmic != (axis->scaleType() == QCPAxis::stLogarithmic)) {
        axis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
        if (logarithmic) axis->setTicker(QSharedPointer<QCPAxisTickerLog>::create());
        else axis->setTicker(QSharedPointer<QCPAxisTicker>::create());
        axis->ticker()->setTickCount(4);
        axis->setLabel(logarithmic ? QObject::tr("ms a step, logarithmic") : QObject::tr("ms a step"));
    }
    if (logarithmic) axis->setRange(least * 0.7, most * 1.4);
    else axis->setRange(0, most * 1.08);
}

int WhatIfPlot::nMarks() const { return m_measuredDense->data()->size() + m_measuredSpans->data()->size(); }

QString timesText(const CostComparison& c) {
    QString text = QObject::tr("Dense %1 a step (%2)").arg(ms(c.dense.ns()), formatRate(c.dense.tokensPerS()));
    if (c.hasSpans)
        text += QObject::tr(", with these spans %1 (%2), %3")
                    .arg(ms(c.spans.ns()), formatRate(c.spans.tokensPerS()), formatFactor(c.speedUp()));
    return text + QObject::tr("; nothing read %1.").arg(ms(c.nothing.ns()));
}

QString measuredText(const RunCost& cost) {
    QStringList parts;
    for (const auto& [name, steps] :
         {std::pair{QObject::tr("dense"), &cost.dense}, {QObject::tr("spans"), &cost.spans}})
        if (!steps->empty())
            parts << QObject::tr("%1 %2 at %3 tokens")
                         .arg(name, ms(steps->back().ns), formatCount(qRound64(steps->back().context)));
    return parts.isEmpty() ? QString() : QObject::tr("Measured in this run: %1.").arg(parts.join(QStringLiteral(", ")));
}

QString conditionsText(const WhatIf& how) {
    return QObject::tr("%1 of %2 tokens, pages of %3, KV cache of %4 bytes a value, %5 GB/s%6")
        .arg(how.batch == 1 ? QObject::tr("One sequence") : QObject::tr("%1 sequences").arg(formatCount(how.batch)),
             formatCount(how.context), formatCount(how.pageTokens), QString::number(how.valueBytes),
             formatNumber(how.gbPerS),
             how.fixedUs > 0 ? QObject::tr(" and %1 fixed").arg(ms(how.fixedUs * 1e3)) : QString());
}

QString scalingText(const RunCost& cost, SpanScaling scaling) {
    if (cost.isDense) return QObject::tr("This run is dense: its spans are everything.");
    return scaling == SpanScaling::Share
               ? QObject::tr(
                     "In another context the spans are thought to keep their share of it: more of the same kind.")
               : QObject::tr("In another context the spans are thought to stay as long as they are.");
}

}  // namespace spanscope
