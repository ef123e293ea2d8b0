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
constexpr int kGutter = 8;
/// Which of n values, spread over a strip of `width`, is at x; -1 where there is none.
int valueAt(double x, size_t n, int width) {
    return n ? std::clamp(int((x - kGutter) * int(n) / std::max(1, width - 2 * kGutter)), 0, int(n) - 1) : -1;
}
/// Largest of values[i] for which i falls on pixel x of `width`.
float pooled(const std::vector<float>& values, int x, int width) {
    const size_t n = values.size();
    const size_t from = n * static_cast<size_t>(x) / static_cast<size_t>(width);
    const size_t to = std::max(from + 1, n * static_cast<size_t>(x + 1) / static_cast<size_t>(width));
    float most = 0;
    for (size_t i = from; i < std::min(to, n); ++i) most = std::max(most, values[i]);
    return most;
}
}  // namespace

DivergenceStrip::DivergenceStrip(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Divergence of every step"));
    setMouseTracking(true);
    setMinimumHeight(40);
    setToolTip(
        tr("KL(dense ‖ declared) of the next token at every step, square-root scale. Marks below: the two would choose "
           "differently. Click selects the step."));
}

void DivergenceStrip::setCurve(const DivergenceCurve& curve) {
    m_curve = curve;
    float most = 0;
    for (const float kl : curve.klNats) most = std::max(most, kl);
    setAccessibleDescription(
        tr("%1 steps, largest divergence %2").arg(curve.klNats.size()).arg(formatNats(double(most))));
    update();
}

void DivergenceStrip::setCurrent(int step) {
    m_current = step;
    update();
}

int DivergenceStrip::stepAt(double x) const { return valueAt(x, m_curve.klNats.size(), width()); }

void DivergenceStrip::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Palette& c = Palette::of(palette());
    const QRect area = rect().adjusted(kGutter, 4, -kGutter, -10);
    p.fillRect(QRect(area.left(), area.bottom(), area.width(), 1), hairline(palette()));
    if (m_curve.klNats.empty() || area.width() < 2) return;
    const float most = std::max(1e-6f, *std::max_element(m_curve.klNats.begin(), m_curve.klNats.end()));
    const size_t n = m_curve.klNats.size();
    for (int x = 0; x < area.width(); ++x) {
        const int h = int(std::sqrt(double(pooled(m_curve.klNats, x, area.width()) / most)) * area.height());
        if (h > 0) p.fillRect(area.left() + x, area.bottom() - h, 1, h, c.declared);
    }
    for (size_t i = 0; i < n; ++i)
        if (!m_curve.sameTop[i])
            p.fillRect(QRectF(area.left() + double(i) * area.width() / double(n), area.bottom() + 3,
                              std::max(2.0, double(area.width()) / double(n)), 5),
                       c.accent);
    if (m_current >= 0 && m_current < static_cast<int>(n))
        p.fillRect(QRectF(area.left() + (m_current + 0.5) * area.width() / double(n) - 1, area.top(), 2, area.height()),
                   c.accent);
    p.setPen(quietText(palette()));
    p.drawText(area, Qt::AlignTop | Qt::AlignRight, tr("largest %1").arg(formatNats(double(most))));
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

HeadGrid::HeadGrid(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Mass kept by layer and head"));
    setFocusPolicy(Qt::StrongFocus);
    setMinimumSize(96, 96);
}

void HeadGrid::setProbe(const StepProbe& probe, bool withoutSink) {
    m_nLayers = probe.nLayers;
    m_nHeads = probe.nHeads;
    m_mass = withoutSink ? probe.massKeptNoSink : probe.massKept;
    float least = 1;
    for (const float mass : m_mass) least = std::min(least, mass);
    setAccessibleDescription(
        tr("%1 layers, %2 heads; least mass kept %3").arg(m_nLayers).arg(m_nHeads).arg(formatPercent(double(least))));
    update();
}

void HeadGrid::setChosen(int layer, int head) {
    m_layer = layer;
    m_head = head;
    update();
}

QRectF HeadGrid::cell(int layer, int head) const {
    const double w = double(width() - 2 * kGutter) / std::max(1, m_nHeads),
                 h = double(height() - 2 * kGutter) / std::max(1, m_nLayers);
    return {kGutter + head * w, kGutter + layer * h, w, h};
}

void HeadGrid::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Palette& c = Palette::of(palette());
    if (m_mass.size() < static_cast<size_t>(m_nLayers * m_nHeads)) return;
    for (int l = 0; l < m_nLayers; ++l)
        for (int h = 0; h < m_nHeads; ++h) {
            const double mass = std::clamp(double(m_mass[static_cast<size_t>(l * m_nHeads + h)]), 0.0, 1.0);
            const QRectF box = cell(l, h).adjusted(0.5, 0.5, -0.5, -0.5);
            p.fillRect(box, mix(c.ground, c.declared, 0.08 + 0.30 * mass));
            p.fillRect(QRectF(box.left(), box.bottom() - box.height() * mass, box.width(), box.height() * mass),
                       mix(c.ground, c.declared, 0.25 + 0.60 * mass));
        }
    if (m_layer >= 0 && m_head >= 0) {
        p.setPen(QPen(c.accent, 2));
        p.drawRect(cell(m_layer, m_head).adjusted(1, 1, -1, -1));
    }
    if (hasFocus()) {
        p.setPen(QPen(palette().color(QPalette::Highlight), 1));
        p.drawRect(rect().adjusted(2, 2, -3, -3));
    }
}

void HeadGrid::choose(int layer, int head) {
    if (layer == m_layer && head == m_head) layer = head = -1;
    setChosen(layer, head);
    emit chosen(layer, head);
}

void HeadGrid::mousePressEvent(QMouseEvent* event) {
    for (int l = 0; l < m_nLayers; ++l)
        for (int h = 0; h < m_nHeads; ++h)
            if (cell(l, h).contains(event->position())) return choose(l, h);
}

void HeadGrid::keyPressEvent(QKeyEvent* event) {
    if (!m_nLayers) return QWidget::keyPressEvent(event);
    int layer = std::max(0, m_layer), head = std::max(0, m_head);
    switch (event->key()) {
        case Qt::Key_Left:
        case Qt::Key_BracketLeft: head = std::max(0, head - 1); break;
        case Qt::Key_Right:
        case Qt::Key_BracketRight: head = std::min(m_nHeads - 1, head + 1); break;
        case Qt::Key_Up:
        case Qt::Key_BraceLeft: layer = std::max(0, layer - 1); break;
        case Qt::Key_Down:
        case Qt::Key_BraceRight: layer = std::min(m_nLayers - 1, layer + 1); break;
        default: QWidget::keyPressEvent(event); return;
    }
    if (layer != m_layer || head != m_head) choose(layer, head);
}

bool HeadGrid::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip && m_nLayers) {
        const auto* help = static_cast<QHelpEvent*>(event);
        for (int l = 0; l < m_nLayers; ++l)
            for (int h = 0; h < m_nHeads; ++h)
                if (cell(l, h).contains(help->pos())) {
                    QToolTip::showText(help->globalPos(),
                                       tr("Layer %1, head %2: %3 of the dense attention mass lies inside the span")
                                           .arg(l)
                                           .arg(h)
                                           .arg(formatPercent(double(m_mass[static_cast<size_t>(l * m_nHeads + h)]))),
                                       this);
                    return true;
                }
    }
    return QWidget::event(event);
}

AttentionStrip::AttentionStrip(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Attention over the context"));
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumHeight(96);
}

void AttentionStrip::setEditor(SpanEditor* editor) {
    m_editor = editor;
    m_edge = -1;
    m_dragging = false;
    update();
}

double AttentionStrip::xOf(double position) const {
    return kGutter + position * (width() - 2 * kGutter) / double(std::max<size_t>(1, m_probe.dense.size()));
}

int AttentionStrip::edgeAt(double x) const {
    if (!m_editor || m_probe.dense.empty()) return -1;
    const double perPixel = double(m_probe.dense.size()) / std::max(1, width() - 2 * kGutter);
    return m_editor->edgeNear((x - kGutter) * perPixel, 5 * perPixel);
}

void AttentionStrip::describe() {
    if (!m_editor || m_edge < 0) return;
    setAccessibleDescription(
        tr("Edge %1 of %2 at position %3").arg(m_edge + 1).arg(m_editor->nEdges()).arg(m_editor->edge(m_edge)));
    update();
}

void AttentionStrip::setProbe(const StepProbe& probe, bool withoutSink) {
    m_probe = probe;
    m_withoutSink = withoutSink;
    setAccessibleDescription(
        probe.layer < 0
            ? tr("Mean over all layers and heads, %1 positions").arg(probe.dense.size())
            : tr("Layer %1, head %2, %3 positions").arg(probe.layer).arg(probe.head).arg(probe.dense.size()));
    update();
}

int AttentionStrip::positionAt(double x) const { return valueAt(x, m_probe.dense.size(), width()); }

void AttentionStrip::paintEvent(QPaintEvent*) {
    QPainter p(this);
    const Palette& c = Palette::of(palette());
    const QRect area = rect().adjusted(kGutter, 4, -kGutter, -4);
    std::vector<float> dense = m_probe.dense, restricted = m_probe.restricted;
    const size_t n = dense.size();
    if (!n || area.width() < 2) return;
    if (m_withoutSink) {
        dense[0] = 0;
        if (!restricted.empty()) restricted[0] = 0;
    }
    if (m_probe.visible)
        for (const Interval& interval : *m_probe.visible) {
            const Interval clipped = clipToQuery(interval, m_probe.position);
            if (clipped.end <= clipped.begin) continue;
            const double left = area.left() + double(clipped.begin) * area.width() / double(n);
            const QRectF band(left, area.top(),
                              std::max(1.0, double(clipped.end - clipped.begin) * area.width() / double(n)),
                              area.height());
            p.fillRect(band, mix(c.ground, c.declared, 0.12));
            p.fillRect(QRectF(band.left(), band.bottom() - 2, band.width(), 2), c.declared);
        }
    if (m_editor && (m_editor->changed() || m_edge >= 0)) {  // the edited span above the recorded one
        for (const Interval& i : m_editor->list()) {
            const QRectF band(xOf(i.begin), area.top(), std::max(1.0, xOf(i.end) - xOf(i.begin)), 4);
            p.fillRect(band, c.accent);
        }
        if (m_edge >= 0 && m_edge < m_editor->nEdges())
            p.fillRect(QRectF(xOf(m_editor->edge(m_edge)) - 1, area.top(), 2, area.height()), c.accent);
    }
    float most = 1e-9f;
    for (const float v : dense) most = std::max(most, v);
    for (const float v : restricted) most = std::max(most, v);
    const int half = area.height() / 2;
    const int middle = area.top() + half;
    for (int x = 0; x < area.width(); ++x) {
        const int up = int(std::sqrt(double(pooled(dense, x, area.width()) / most)) * (half - 4));
        const int down =
            restricted.empty() ? 0 : int(std::sqrt(double(pooled(restricted, x, area.width()) / most)) * (half - 4));
        if (up > 0) p.fillRect(area.left() + x, middle - up, 1, up, c.dense);
        if (down > 0) p.fillRect(area.left() + x, middle + 1, 1, down, c.declared);
    }
    p.fillRect(QRect(area.left(), middle, area.width(), 1), hairline(palette()));
    p.setPen(quietText(palette()));
    p.drawText(area.adjusted(4, 0, -4, 0), Qt::AlignTop | Qt::AlignRight, tr("dense ↑"));
    p.drawText(area.adjusted(4, 0, -4, -4), Qt::AlignBottom | Qt::AlignRight, tr("declared ↓"));
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
        const double perPixel = double(m_probe.dense.size()) / std::max(1, width() - 2 * kGutter);
        m_editor->moveEdge(m_edge, static_cast<int32_t>(std::lround((event->position().x() - kGutter) * perPixel)));
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
