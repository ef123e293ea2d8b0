#include "ui/views/throughput/throughput_plot.h"

#include <qcustomplot.h>

#include <cmath>
#include <tuple>
#include <utility>

#include "ui/model/format.h"
#include "ui/views/throughput/plot_theme.h"

namespace spanscope {

namespace {

/// Ticks no closer than what their labels can tell apart: "0 0 0 1 1 1" is no scale.
class LabelledTicker : public QCPAxisTicker {
  public:
    void setLeastStep(double step) { m_leastStep = step; }

  protected:
    double getTickStep(const QCPRange& range) override {
        return std::max(m_leastStep, QCPAxisTicker::getTickStep(range));
    }

  private:
    double m_leastStep = 1;
};

}  // namespace

ThroughputPlot::ThroughputPlot(QCustomPlot* plot) : m_plot(plot) {
    const StackedPlots stacked = stackPlots(plot, 12);
    m_top = stacked.top;
    m_bottom = stacked.bottom;
    m_topLegend = stacked.topLegend;
    m_bottomLegend = stacked.bottomLegend;
    plot->plotLayout()->setRowStretchFactor(3, 1.2);
    for (QCPAxisRect* rect : {m_top, m_bottom}) {
        rect->setRangeDrag(Qt::Horizontal);
        rect->setRangeZoom(Qt::Horizontal);
        rect->axis(QCPAxis::atBottom)->setNumberFormat("f");
        rect->axis(QCPAxis::atBottom)->setNumberPrecision(0);
        rect->axis(QCPAxis::atLeft)->setNumberFormat("f");
        rect->axis(QCPAxis::atLeft)->setNumberPrecision(0);
        for (QCPAxis* axis : {rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft)})
            axis->setTicker(QSharedPointer<LabelledTicker>::create());
        rect->axis(QCPAxis::atLeft)->ticker()->setTickCount(4);
    }
    m_top->axis(QCPAxis::atLeft)->setLabel(QObject::tr("tokens/s"));
    m_bottom->axis(QCPAxis::atLeft)->setLabel(QObject::tr("KV tokens"));
    QObject::connect(m_top->axis(QCPAxis::atBottom), qOverload<const QCPRange&>(&QCPAxis::rangeChanged),
                     m_bottom->axis(QCPAxis::atBottom), qOverload<const QCPRange&>(&QCPAxis::setRange));
    QObject::connect(m_bottom->axis(QCPAxis::atBottom), qOverload<const QCPRange&>(&QCPAxis::rangeChanged),
                     m_top->axis(QCPAxis::atBottom), qOverload<const QCPRange&>(&QCPAxis::setRange));

    const auto graph = [&](QCPAxisRect* rect, const QString& name) {
        QCPGraph* g = plot->addGraph(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft));
        g->setName(name);
        g->setAntialiasedFill(false);
        return g;
    };
    m_ceiling = graph(m_top, QObject::tr("ceiling: no KV loaded"));
    m_predictedDense = graph(m_top, QObject::tr("dense, predicted"));
    m_predicted = graph(m_top, QObject::tr("predicted by bytes"));
    m_dense = graph(m_top, QObject::tr("dense"));
    m_declared = graph(m_top, QObject::tr("declared"));
    m_causal = graph(m_bottom, QObject::tr("full context"));
    m_denseLoaded = graph(m_bottom, QObject::tr("dense, loaded"));
    m_loaded = graph(m_bottom, QObject::tr("loaded, in pages"));
    m_attended = graph(m_bottom, QObject::tr("attended"));
    for (auto*& band : m_band) {
        const bool top = &band == &m_band[0];
        QCPAxisRect* rect = top ? m_top : m_bottom;
        band = new QCPItemRect(plot);
        band->setClipAxisRect(rect);
        for (QCPItemPosition* p : {band->topLeft, band->bottomRight}) {
            p->setAxes(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft));
            p->setAxisRect(rect);
            p->setTypeX(QCPItemPosition::ptPlotCoords);
            p->setTypeY(QCPItemPosition::ptAxisRectRatio);
        }
        band->setVisible(false);
    }
    m_ceilingText = new QCPItemText(plot);
    m_ceilingText->setClipAxisRect(m_top);
    m_ceilingText->position->setAxisRect(m_top);
    m_ceilingText->position->setAxes(m_top->axis(QCPAxis::atBottom), m_top->axis(QCPAxis::atLeft));
    m_ceilingText->position->setTypeX(QCPItemPosition::ptAxisRectRatio);
    m_ceilingText->position->setTypeY(QCPItemPosition::ptPlotCoords);
    m_ceilingText->setPositionAlignment(Qt::AlignLeft | Qt::AlignBottom);
    m_ceilingText->setPadding(QMargins(3, 0, 3, 0));
    m_ceilingText->setLayer("overlay");
    m_ceilingText->setVisible(false);
}

std::pair<QString, QString> shownLaneNames(const RunData& first, const RunData* maybeSecond) {
    const auto [a, b] = laneNames(first, maybeSecond);
    return {QString::fromStdString(a), QString::fromStdString(b)};
}

void ThroughputPlot::setLaneNames(const QString& first, const QString& second) {
    m_declared->setName(first);
    m_dense->setName(second);
    m_predictedDense->setName(QObject::tr("%1, predicted").arg(second));
    m_denseLoaded->setName(QObject::tr("%1, loaded").arg(second));
}

void ThroughputPlot::setTheme(const Palette& p, double fontPoints) {
    themePlot(*m_plot, p, fontPoints);
    m_declared->setPen(QPen(p.declared, 2));
    m_dense->setPen(QPen(p.dense, 2, Qt::DashLine));
    m_predicted->setPen(QPen(p.declared, 1, Qt::DotLine));
    m_predictedDense->setPen(QPen(p.dense, 1, Qt::DotLine));
    m_ceiling->setPen(QPen(p.inkSoft, 1, Qt::DashDotLine));
    m_causal->setPen(QPen(p.inkSoft, 1, Qt::DashDotLine));
    QColor notRead = p.notReadLine;
    notRead.setAlpha(p.dark ? 70 : 60);
    m_causal->setBrush(notRead);
    m_denseLoaded->setPen(QPen(p.dense, 1.5, Qt::DashLine));
    QColor fill = p.loadedDot;
    fill.setAlpha(90);
    m_loaded->setPen(QPen(p.loadedDot, 1.2));
    m_loaded->setBrush(fill);
    m_loaded->setLineStyle(QCPGraph::lsStepLeft);
    m_attended->setPen(QPen(p.declared, 1.4));
    m_attended->setLineStyle(QCPGraph::lsStepLeft);
    QColor band = p.accent;
    band.setAlpha(50);
    for (QCPItemRect* b : m_band) {
        b->setBrush(band);
        b->setPen(QPen(p.accent, 1));
    }
    m_ceilingText->setColor(p.inkSoft);
    m_ceilingText->setBrush(p.ground);  // the curve may run where its name stands
    QFont font = m_plot->font();
    font.setPointSizeF(fontPoints);
    m_ceilingText->setFont(font);
}

void ThroughputPlot::setData(const ThroughputSeries& declared, const ThroughputSeries& dense, const BytesModel& model) {
    m_xMin = 1e300;
    m_xMax = m_yMax = m_readMax = 0;
    // A bucket of rates is drawn as the last of them, which is a mean over its window already; a bucket of loads as its
    // peak. One point a bucket: a zigzag of extremes costs the painter ten times as much.
    const auto lane = [&](QCPGraph* measured, QCPGraph* predicted, const ThroughputSeries& series) {
        QVector<QCPGraphData> m, p;
        for (const ThroughputBucket& b : series.buckets()) {
            const double x0 = xOf(series.points()[size_t(b.first)]), x1 = xOf(series.points()[size_t(b.last)]);
            m_xMin = std::min(m_xMin, x0);
            m_xMax = std::max(m_xMax, x1);
            const double rate = series.points()[size_t(b.last)].tokensPerS;
            if (std::isnan(rate)) continue;
            m.append({x1, rate});
            m_yMax = std::max(m_yMax, b.rateMax);
            if (model.valid && m_prediction) p.append({x1, model.tokensPerS(b.meanLoadedSum / (b.last - b.first + 1))});
        }
        measured->data()->set(m, true);
        predicted->data()->set(p, true);
    };
    lane(m_declared, m_predicted, declared);
    lane(m_dense, m_predictedDense, dense);
    const bool ceiling = model.valid && m_prediction && m_xMax > m_xMin;
    m_ceiling->data()->clear();
    if (ceiling) {
        m_ceiling->addData(m_xMin, model.ceiling());
        m_ceiling->addData(m_xMax, model.ceiling());
    }
    // A ceiling far above would flatten the curves: it is then named at the top edge instead.
    const bool inside = ceiling && model.ceiling() < 2.2 * m_yMax;
    if (inside) m_yMax = std::max(m_yMax, model.ceiling());
    const bool tooShort = !(m_yMax > 0) && !declared.points().empty();
    m_note =
        tooShort ? QObject::tr("Too short to plot (needs %1 tokens)").arg(ThroughputSeries::kWindowSteps) : QString();
    m_ceilingText->setVisible(ceiling || tooShort);
    m_top->axis(QCPAxis::atLeft)->setTickLabels(!tooShort);
    if (tooShort) {
        m_ceilingText->setText(' ' + m_note);
        m_ceilingText->position->setCoords(0, 0.1);
    } else if (ceiling) {
        m_ceilingText->setText(QObject::tr(" ceiling %1 t/s%2")
                                   .arg(formatNumber(model.ceiling()), inside ? QString() : QStringLiteral(" \u2191")));
        m_ceilingText->position->setCoords(0, inside ? model.ceiling() : m_yMax * 1.02);
    }

    QVector<QCPGraphData> causal, read, attended, denseLoaded;
    for (const ThroughputBucket& b : declared.buckets()) {
        const double x0 = xOf(declared.points()[size_t(b.first)]), x1 = xOf(declared.points()[size_t(b.last)]);
        causal.append({x1, double(b.causalMax)});
        read.append({x0, double(b.loadedMax)});
        attended.append({x0, double(b.attendedMax)});
        if (&b == &declared.buckets().back()) {
            read.append({x1, double(b.loadedMax)});
            attended.append({x1, double(b.attendedMax)});
        }
        m_readMax = std::max(m_readMax, double(b.causalMax));
    }
    for (const ThroughputBucket& b : dense.buckets()) {
        denseLoaded.append({xOf(dense.points()[size_t(b.last)]), double(b.loadedMax)});
        m_readMax = std::max(m_readMax, double(b.loadedMax));
    }
    m_causal->data()->set(causal, true);
    m_loaded->data()->set(read, true);
    m_attended->data()->set(attended, true);
    m_denseLoaded->data()->set(denseLoaded, true);

    m_plot->setPlottingHint(QCP::phFastPolylines, declared.buckets().size() + dense.buckets().size() > 800);
    // Legends name what is there.
    const auto name = [this](QCPLegend* legend, std::initializer_list<QCPGraph*> graphs) {
        legend->clearItems();
        legend->setWrap(m_plot->width() < 420 ? 2 : 4);
        int n = 0;
        for (QCPGraph* g : graphs) {
            if (g->data()->isEmpty()) continue;
            auto* item = new QCPPlottableLegendItem(legend, g);
            item->setTextColor(m_ceilingText->color());
            item->setFont(m_ceilingText->font());
            legend->addItem(item);
            ++n;
        }
        legend->setVisible(n > 0);
    };
    if (m_lanesNamed) name(m_topLegend, {m_declared, m_dense, m_predicted});
    else name(m_topLegend, {m_predicted});
    name(m_bottomLegend, m_low ? std::initializer_list<QCPGraph*>{}
                               : std::initializer_list<QCPGraph*>{m_attended, m_loaded, m_causal, m_denseLoaded});
    nameAxes();
}

void ThroughputPlot::nameAxes() {
    const QString label =
        m_axis == ThroughputAxis::Context ? QObject::tr("context length (tokens)") : QObject::tr("time of the run (s)");
    for (QCPAxisRect* rect : {m_top, m_bottom}) {
        QCPAxis* axis = rect->axis(QCPAxis::atBottom);
        const bool lowest = (rect == m_top) == m_low;
        axis->setTickLabels(lowest);
        axis->setLabel(lowest ? label : QString());
        const int precision = m_axis == ThroughputAxis::Context || m_xMax > 20 ? 0 : m_xMax > 2 ? 1 : 2;
        axis->setNumberPrecision(precision);
        axis->ticker().staticCast<LabelledTicker>()->setLeastStep(std::pow(10, -precision));
    }
}

void ThroughputPlot::setHeight(int height) {
    const QFontMetrics metrics(m_ceilingText->font());
    const int line = metrics.height();
    setLow(height < 14 * line);
    // What is left for the curves: legend, tick labels and the label of the axis below take the rest.
    const double upper = m_low ? height - 4.5 * line : (height - 6.5 * line) / 2.2, lower = m_low ? 0 : upper * 1.2;
    for (const auto& [rect, room, label, brief] :
         {std::tuple(m_top, upper, QObject::tr("tokens/s"), QObject::tr("t/s")),
          std::tuple(m_bottom, lower, QObject::tr("KV tokens a step"), QObject::tr("tokens"))}) {
        QCPAxis* axis = rect->axis(QCPAxis::atLeft);
        axis->ticker()->setTickCount(std::clamp(int(room / (1.8 * line)), 2, 5));
        axis->setLabel(metrics.horizontalAdvance(label) <= room   ? label
                       : metrics.horizontalAdvance(brief) <= room ? brief
                                                                  : QString());
    }
}

void ThroughputPlot::setLow(bool low) {
    if (low == m_low) return;
    m_low = low;
    const int most = low ? 0 : QWIDGETSIZE_MAX;
    m_bottom->setVisible(!low);
    m_bottom->setMaximumSize(QWIDGETSIZE_MAX, most);
    m_bottom->setMinimumSize(0, low ? 0 : 20);
    m_bottom->setMinimumMargins(low ? QMargins(0, 0, 0, 0) : QMargins(8, 6, 12, 4));
    for (QCPGraph* g : {m_causal, m_loaded, m_attended, m_denseLoaded}) g->setVisible(!low);
    m_plot->plotLayout()->setRowStretchFactor(3, low ? 0.001 : 1.2);
    nameAxes();
}

void ThroughputPlot::setSelection(const ThroughputSeries& series, int first, int last, bool locked) {
    const auto& points = series.points();
    const bool on = first >= 0 && last < int(points.size());
    for (QCPItemRect* band : m_band) {
        band->setVisible(on);
        if (!on) continue;
        band->topLeft->setCoords(xOf(points[size_t(first)]), 0);
        band->bottomRight->setCoords(xOf(points[size_t(last)]), 1);
        QPen pen = band->pen();
        pen.setStyle(locked ? Qt::SolidLine : Qt::DashLine);
        band->setPen(pen);
    }
}

void ThroughputPlot::fitRanges() {
    if (m_xMax <= m_xMin) {
        m_xMin = 0;
        m_xMax = 1;
    }
    const double room = (m_xMax - m_xMin) * 0.01;
    m_top->axis(QCPAxis::atBottom)->setRange(m_xMin - room, m_xMax + room);
    m_top->axis(QCPAxis::atLeft)->setRange(0, std::max(1.0, m_yMax * 1.25));
    m_bottom->axis(QCPAxis::atLeft)->setRange(0, std::max(1.0, m_readMax * 1.08));
}

int ThroughputPlot::stepAt(const ThroughputSeries& series, double pixelX) const {
    const auto& points = series.points();
    if (points.empty() || pixelX < m_top->left() || pixelX > m_top->right()) return -1;
    const double x = m_top->axis(QCPAxis::atBottom)->pixelToCoord(pixelX);
    auto it = std::lower_bound(points.begin(), points.end(), x,
                               [this](const ThroughputPoint& p, double v) { return xOf(p) < v; });
    if (it == points.end()) --it;
    if (it != points.begin() && x - xOf(*std::prev(it)) < xOf(*it) - x) --it;
    return int(it - points.begin());
}

double ThroughputPlot::pixelOf(const ThroughputPoint& point) const {
    return m_top->axis(QCPAxis::atBottom)->coordToPixel(xOf(point));
}

}  // namespace spanscope
