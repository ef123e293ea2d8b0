#include "ui/views/probe/probe_plots.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "ui/model/format.h"
#include "ui/model/tint.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {
/// Which of n values, spread over a plot, is at x; -1 where there is none.
int valueAt(double x, size_t n, const QRectF& plot) {
    return n && plot.width() > 0 ? std::clamp(int((x - plot.left()) * double(n) / plot.width()), 0, int(n) - 1) : -1;
}
QFont smallFont(const QWidget* widget) {
    QFont font = widget->font();
    font.setPointSizeF(std::max(7.0, font.pointSizeF() * 0.85));
    return font;
}
}  // namespace

DivergenceStrip::DivergenceStrip(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Divergence of every step"));
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setMinimumHeight(96);
    setToolTip(
        tr("KL(dense ‖ declared) of the next token at every step, square-root scale. Marks below: the two would choose "
           "differently. Click selects the step."));
}

void DivergenceStrip::setCurve(const DivergenceCurve& curve) {
    m_curve = curve;
    describe();
    update();
}

void DivergenceStrip::setCurrent(int step) {
    m_current = step;
    describe();
    update();
}

void DivergenceStrip::describe() {
    const std::vector<float>& nats = m_curve.klNats;
    if (nats.empty()) return setAccessibleDescription(tr("Nothing has been replayed yet."));
    const auto most = std::max_element(nats.begin(), nats.end());
    const auto nDifferent = std::count(m_curve.sameTop.begin(), m_curve.sameTop.end(), uint8_t{0});
    QString text =
        tr("%1 steps; the largest divergence is %2, at step %3; dense would choose another token at %4 steps.")
            .arg(formatCount(qint64(nats.size())), formatNats(double(*most)), formatCount(most - nats.begin()),
                 formatCount(nDifferent));
    if (m_current >= 0 && m_current < int(nats.size()))
        text +=
            ' ' + tr("Selected: step %1, %2.").arg(formatCount(m_current), formatNats(double(nats[size_t(m_current)])));
    setAccessibleDescription(text);
}

DivergencePlot DivergenceStrip::plot() const {
    return {m_curve, Palette::of(palette()), QRectF(rect()), 1 / devicePixelRatioF()};
}

int DivergenceStrip::stepAt(double x) const { return valueAt(x, m_curve.klNats.size(), plot().plot()); }

void DivergenceStrip::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setFont(smallFont(this));
    p.fillRect(rect(), Palette::of(palette()).ground);
    const DivergencePlot picture = plot();
    picture.paint(p);
    const int n = picture.nSteps();
    const QRectF area = picture.plot();
    if (m_current >= 0 && m_current < n)
        p.fillRect(QRectF(area.left() + (m_current + 0.5) * area.width() / n - 1, area.top(), 2, area.height()),
                   picture.palette.accent);
}

void DivergenceStrip::mousePressEvent(QMouseEvent* event) {
    if (const int step = stepAt(event->position().x()); step >= 0) emit stepClicked(step);
}

void DivergenceStrip::mouseMoveEvent(QMouseEvent* event) {
    const int step = stepAt(event->position().x());
    if (step >= 0)
        QToolTip::showText(
            event->globalPosition().toPoint(),
            tr("Step %1: %2").arg(step).arg(formatNats(double(m_curve.klNats[static_cast<size_t>(step)]))), this);
}

void DivergenceStrip::keyPressEvent(QKeyEvent* event) {
    const int n = int(m_curve.klNats.size()), by = event->modifiers() & Qt::ShiftModifier ? 10 : 1;
    int to = m_current;
    switch (event->key()) {
        case Qt::Key_Left: to -= by; break;
        case Qt::Key_Right: to += by; break;
        case Qt::Key_Home: to = 0; break;
        case Qt::Key_End: to = n - 1; break;
        default: QWidget::keyPressEvent(event); return;
    }
    if (n > 0) emit stepClicked(std::clamp(to, 0, n - 1));
}

HeadGrid::HeadGrid(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Mass kept by layer and head"));
    setFocusPolicy(Qt::StrongFocus);
    setMinimumSize(130, 110);
}

void HeadGrid::setProbe(const StepProbe& probe, bool withoutSink) {
    m_probe.nLayers = probe.nLayers;
    m_probe.nHeads = probe.nHeads;
    m_probe.massKept = probe.massKept;
    m_probe.massKeptNoSink = probe.massKeptNoSink;
    m_withoutSink = withoutSink;
    describe();
    update();
}

void HeadGrid::setChosen(int layer, int head) {
    m_layer = layer;
    m_head = head;
    describe();
    update();
}

void HeadGrid::describe() {
    const std::vector<float>& mass = plot().mass();
    if (mass.empty() || m_probe.nHeads <= 0) return setAccessibleDescription(tr("No step has been inspected yet."));
    const auto least = std::min_element(mass.begin(), mass.end());
    const int at = int(least - mass.begin());
    QString text = tr("%1 layers of %2 heads; the least mass is kept by layer %3, head %4: %5.")
                       .arg(QString::number(m_probe.nLayers), QString::number(m_probe.nHeads),
                            QString::number(at / m_probe.nHeads), QString::number(at % m_probe.nHeads),
                            formatPercent(double(*least)));
    const int chosen = m_layer * m_probe.nHeads + m_head;
    if (m_layer >= 0 && m_head >= 0 && chosen < int(mass.size()))
        text += ' ' + tr("Chosen: layer %1, head %2, %3 kept.")
                          .arg(QString::number(m_layer), QString::number(m_head),
                               formatPercent(double(mass[size_t(chosen)])));
    setAccessibleDescription(text);
}

HeadsPlot HeadGrid::plot() const {
    return {m_probe, m_withoutSink, Palette::of(palette()), QRectF(rect()).adjusted(0, 0, -2, -2)};
}

QRectF HeadGrid::cell(int layer, int head) const { return plot().cell(layer, head); }

void HeadGrid::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setFont(smallFont(this));
    const HeadsPlot picture = plot();
    p.fillRect(rect(), picture.palette.ground);
    picture.paint(p);
    if (m_layer >= 0 && m_head >= 0) {
        p.setPen(QPen(picture.palette.accent, 2));
        p.drawRect(cell(m_layer, m_head).adjusted(1, 1, -1, -1));
    }
    if (hasFocus()) {
        p.setPen(QPen(palette().color(QPalette::Highlight), 1));
        p.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

void HeadGrid::choose(int layer, int head) {
    if (layer == m_layer && head == m_head) layer = head = -1;
    setChosen(layer, head);
    emit chosen(layer, head);
}

void HeadGrid::mousePressEvent(QMouseEvent* event) {
    for (int l = 0; l < m_probe.nLayers; ++l)
        for (int h = 0; h < m_probe.nHeads; ++h)
            if (cell(l, h).contains(event->position())) return choose(l, h);
}

void HeadGrid::keyPressEvent(QKeyEvent* event) {
    if (!m_probe.nLayers) return QWidget::keyPressEvent(event);
    int layer = std::max(0, m_layer), head = std::max(0, m_head);
    switch (event->key()) {
        case Qt::Key_Left:
        case Qt::Key_BracketLeft: head = std::max(0, head - 1); break;
        case Qt::Key_Right:
        case Qt::Key_BracketRight: head = std::min(m_probe.nHeads - 1, head + 1); break;
        case Qt::Key_Up:
        case Qt::Key_BraceLeft: layer = std::max(0, layer - 1); break;
        case Qt::Key_Down:
        case Qt::Key_BraceRight: layer = std::min(m_probe.nLayers - 1, layer + 1); break;
        default: QWidget::keyPressEvent(event); return;
    }
    if (layer != m_layer || head != m_head) choose(layer, head);
}

bool HeadGrid::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip && !plot().isEmpty()) {
        const auto* help = static_cast<QHelpEvent*>(event);
        for (int l = 0; l < m_probe.nLayers; ++l)
            for (int h = 0; h < m_probe.nHeads; ++h)
                if (cell(l, h).contains(help->pos())) {
                    QToolTip::showText(
                        help->globalPos(),
                        tr("Layer %1, head %2: %3 of the dense attention mass lies inside the span")
                            .arg(l)
                            .arg(h)
                            .arg(formatPercent(double(plot().mass()[static_cast<size_t>(l * m_probe.nHeads + h)]))),
                        this);
                    return true;
                }
    }
    return QWidget::event(event);
}

AttentionStrip::AttentionStrip(const RunData& run, QWidget* parent) : QWidget(parent), m_run(run) {
    setAccessibleName(tr("Attention over the context"));
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumHeight(130);
}

AttentionPlot AttentionStrip::plot() const {
    return {m_run, m_probe, m_withoutSink, Palette::of(palette()), QRectF(rect()), 1 / devicePixelRatioF()};
}

double AttentionStrip::perPixel() const { return double(m_probe.dense.size()) / std::max(1.0, plot().plot().width()); }

void AttentionStrip::setEditor(SpanEditor* editor) {
    m_editor = editor;
    m_edge = -1;
    m_dragging = false;
    update();
}

double AttentionStrip::xOf(double position) const {
    const QRectF area = plot().plot();
    return area.left() + position * area.width() / double(std::max<size_t>(1, m_probe.dense.size()));
}

int AttentionStrip::edgeAt(double x) const {
    if (!m_editor || m_probe.dense.empty()) return -1;
    return m_editor->edgeNear((x - plot().plot().left()) * perPixel(), 5 * perPixel());
}

void AttentionStrip::describe() {
    if (m_probe.dense.empty()) return setAccessibleDescription(tr("No step has been inspected yet."));
    double kept = 0, all = 0;
    const int first = m_withoutSink ? 1 : 0, n = int(m_probe.dense.size());
    for (int i = first; i < n; ++i) all += double(m_probe.dense[size_t(i)]);
    for (const Interval& interval : m_probe.visible ? *m_probe.visible : IntervalList{})
        for (int i = std::max(first, interval.begin); i < std::min(interval.end, n); ++i)
            kept += double(m_probe.dense[size_t(i)]);
    QString text = m_probe.layer >= 0 ? tr("Layer %1, head %2").arg(m_probe.layer).arg(m_probe.head)
                   : m_probe.most     ? tr("The largest of all heads")
                                      : tr("Mean over all layers and heads");
    text = tr("%1, over %2 positions; %3 of the dense mass lies inside the span.")
               .arg(text, formatCount(qint64(m_probe.dense.size())), formatPercent(all > 0 ? kept / all : 1));
    if (m_editor && m_edge >= 0)
        text += ' ' +
                tr("Edge %1 of %2 at position %3.").arg(m_edge + 1).arg(m_editor->nEdges()).arg(m_editor->edge(m_edge));
    setAccessibleDescription(text);
    update();
}

void AttentionStrip::setProbe(const StepProbe& probe, bool withoutSink) {
    m_probe = probe;
    m_withoutSink = withoutSink;
    describe();
    update();
}

int AttentionStrip::positionAt(double x) const { return valueAt(x, m_probe.dense.size(), plot().plot()); }

void AttentionStrip::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setFont(smallFont(this));
    const AttentionPlot picture = plot();
    const Palette& c = picture.palette;
    p.fillRect(rect(), c.ground);
    picture.paint(p);
    const QRectF area = picture.plot();
    if (m_probe.dense.empty() || area.width() < 2) return;
    if (m_editor && (m_editor->changed() || m_edge >= 0)) {  // the edited span above the recorded one
        for (const Interval& i : m_editor->list())
            p.fillRect(QRectF(xOf(i.begin), area.top(), std::max(1.0, xOf(i.end) - xOf(i.begin)), 4), c.accent);
        if (m_edge >= 0 && m_edge < m_editor->nEdges())
            p.fillRect(QRectF(xOf(m_editor->edge(m_edge)) - 1, area.top(), 2, area.height()), c.accent);
    }
    const QFontMetricsF metrics(p.font());
    for (const bool up : {true, false}) {  // on a ground of their own: bars may stand there
        const QString text = up ? tr("dense ↑") : tr("declared ↓");
        QRectF box(0, 0, metrics.horizontalAdvance(text) + 6, metrics.height());
        box.moveTopRight(QPointF(area.right(), up ? area.top() : area.bottom() - box.height()));
        p.fillRect(box, c.ground);
        p.setPen(c.ink);
        p.drawText(box, Qt::AlignCenter, text);
    }
}

void AttentionStrip::mousePressEvent(QMouseEvent* event) {
    m_edge = edgeAt(event->position().x());
    m_dragging = m_edge >= 0;
    describe();
    update();
}

void AttentionStrip::mouseMoveEvent(QMouseEvent* event) {
    const int position = positionAt(event->position().x());
    if (position < 0) return;
    if (m_dragging) {
        const double at = (event->position().x() - plot().plot().left()) * perPixel();
        m_editor->moveEdge(m_edge, static_cast<int32_t>(std::lround(at)));
        QToolTip::showText(event->globalPosition().toPoint(), tr("Edge at position %1").arg(m_editor->edge(m_edge)),
                           this);
        describe();
        emit spanDragged();
        return;
    }
    setCursor(edgeAt(event->position().x()) >= 0 ? Qt::SizeHorCursor : Qt::ArrowCursor);
    emit positionHovered(position);
    const size_t i = static_cast<size_t>(position);
    QToolTip::showText(event->globalPosition().toPoint(),
                       tr("Position %1: dense %2, declared %3")
                           .arg(position)
                           .arg(formatPercent(double(m_probe.dense[i])),
                                formatPercent(i < m_probe.restricted.size() ? double(m_probe.restricted[i]) : 0)),
                       this);
}

void AttentionStrip::mouseReleaseEvent(QMouseEvent*) {
    if (!m_dragging) return;
    m_dragging = false;
    m_editor->settle();
    m_edge = -1;
    update();
    emit spanEdited();
}

void AttentionStrip::keyPressEvent(QKeyEvent* event) {
    const int nEdges = m_editor ? m_editor->nEdges() : 0;
    if (nEdges < 3) return QWidget::keyPressEvent(event);
    const int by = event->modifiers() & Qt::ShiftModifier ? kPageTokens : 1;
    switch (event->key()) {
        case Qt::Key_Down: m_edge = std::clamp(m_edge + 1, 1, nEdges - 2); break;
        case Qt::Key_Up: m_edge = std::clamp(m_edge - 1, 1, nEdges - 2); break;
        case Qt::Key_Left:
        case Qt::Key_Right:
            if (m_edge < 0) m_edge = 1;
            m_editor->moveEdge(m_edge, m_editor->edge(m_edge) + (event->key() == Qt::Key_Left ? -by : by));
            emit spanDragged();
            break;
        case Qt::Key_Return:
            m_editor->settle();
            m_edge = -1;
            update();
            emit spanEdited();
            return;
        default: QWidget::keyPressEvent(event); return;
    }
    describe();
}

}  // namespace spanscope
