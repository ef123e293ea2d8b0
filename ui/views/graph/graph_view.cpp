#include "ui/views/graph/graph_view.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QFontInfo>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/graph/graph_table.h"
#include "ui/views/palette.h"
#include "ui/views/table_twin.h"
#include "ui/views/view_actions.h"

namespace spanscope {

namespace {
constexpr double kLeastTextPx = 9, kLeastZoom = 0.05, kMostZoom = 4, kUsualZoom = 1.4;
}  // namespace

GraphView::GraphView(RunStore* store, Selection* selection, QWidget* parent)
    : QWidget(parent), m_store(store), m_selection(selection), m_table(new GraphTable(store, this)) {
    setObjectName("graphView");
    setAccessibleName(tr("Dependency graph of segments"));
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumSize(120, 80);
    const ViewActions add(this, Qt::WidgetShortcut);
    add(tr("Whole graph"), QKeySequence(Qt::Key_F), tr("Show the whole graph, or as much as can be read"),
        [this] { toggleWhole(); });
    addTableTwin(
        this, m_selection, [this] { return new GraphTable(m_store); }, [this](int segment) { selectSegment(segment); });
    add(tr("Copy as text"), QKeySequence::Copy, tr("Copy the graph as a list"), [this] { copyText(); });
    setContextMenuPolicy(Qt::ActionsContextMenu);
    m_timer.setSingleShot(true);
    m_timer.setInterval(250);  // segments come slowly; a layout for each batch would be wasted
    connect(&m_timer, &QTimer::timeout, this, &GraphView::relayout);
    connect(m_store, &RunStore::reset, this, [this] {
        m_scope = Scope::Readable;
        m_hovered = -1;
        relayout();
    });
    connect(m_store, &RunStore::stepsAppended, this, [this] {
        if (!m_timer.isActive()) m_timer.start();
    });
    connect(m_store, &RunStore::finished, this, &GraphView::relayout);
    connect(m_selection, &Selection::changed, this, [this] {
        if (m_selection->isLocked()) reveal(m_graph.nodeOf(currentSegment()));
        describe();
        update();
    });
    relayout();
}

void GraphView::relayout() {
    m_timer.stop();
    m_graph = layoutGraph(m_store->data());
    showScope();
    describe();
    update();
}

void GraphView::describe() {
    if (m_graph.nodes.empty()) return setAccessibleDescription(tr("No segments yet."));
    QString text = tr("%1 segments, %2 references.")
                       .arg(formatCount(qint64(m_graph.nodes.size())), formatCount(qint64(m_graph.edges.size())));
    if (m_graph.nLeftOut > 0) text += ' ' + tr("%1 earlier ones are not drawn.").arg(formatCount(m_graph.nLeftOut));
    if (const QString words = m_table->words(currentSegment()); !words.isEmpty())
        text += ' ' + tr("Selected: %1").arg(words);
    setAccessibleDescription(text);
}

void GraphView::flush() { relayout(); }

void GraphView::showScope() {
    if (m_scope == Scope::Own || m_graph.nodes.empty()) return;
    const QSizeF all = m_graph.size;
    const double whole = std::min(width() / all.width(), height() / all.height());
    m_zoom =
        std::clamp(whole, m_scope == Scope::Whole ? kLeastZoom : readableZoom(), std::max(kUsualZoom, readableZoom()));
    m_offset = QPointF((width() - all.width() * m_zoom) / 2, (height() - all.height() * m_zoom) / 2);
    // Of what does not fit the end, where the answer is.
    if (m_zoom > whole) reveal(static_cast<int>(m_graph.nodes.size()) - 1);
    update();
}

/// Text at nine pixels at least, and not much smaller than the window's.
double GraphView::readableZoom() const {
    const double own = QFontInfo(graphFont()).pixelSize();
    return std::max(kLeastTextPx, 0.8 * QFontInfo(font()).pixelSize()) / std::max(1.0, own);
}

void GraphView::fit() {
    m_scope = Scope::Whole;
    showScope();
}

void GraphView::toggleWhole() {
    m_scope = m_scope == Scope::Whole ? Scope::Readable : Scope::Whole;
    showScope();
}

/// Scrolls as little as needed.
void GraphView::reveal(int node) {
    if (node < 0 || node >= static_cast<int>(m_graph.nodes.size())) return;
    constexpr double kRoom = 12;
    const QRectF& rect = m_graph.nodes[static_cast<size_t>(node)].rect;
    const QRectF seen(toWidget(rect.topLeft()), toWidget(rect.bottomRight()));
    const auto shift = [](double begin, double end, double room) {
        return end > room - kRoom ? room - kRoom - end : begin < kRoom ? kRoom - begin : 0;
    };
    m_offset += QPointF(shift(seen.left(), seen.right(), width()), shift(seen.top(), seen.bottom(), height()));
    update();
}

int GraphView::currentSegment() const {
    const int step = m_selection->isLocked() ? m_selection->current() : -1;
    if (step >= 0 && step < m_store->nSteps()) return m_store->data().steps[size_t(step)].segment;
    if (m_hovered >= 0) return m_hovered;
    const int hovered = m_selection->hovered();
    return hovered >= 0 && hovered < m_store->nSteps() ? m_store->data().steps[size_t(hovered)].segment : -1;
}

QFont GraphView::graphFont() const {
    QFont f = font();
    f.setPointSizeF(8.5);
    return f;
}

void GraphView::paintEvent(QPaintEvent*) {
    const Palette& palette = Palette::of(this->palette());
    QPainter painter(this);
    painter.fillRect(rect(), palette.ground);
    if (m_graph.nodes.empty()) {
        painter.setPen(palette.inkSoft);
        painter.drawText(
            rect(), Qt::AlignCenter,
            tr("No segments yet.\nEach one that the model writes becomes a node;\nan arrow leads from what it named."));
        return;
    }
    painter.translate(m_offset);
    painter.scale(m_zoom, m_zoom);
    painter.setFont(graphFont());
    const bool legible = QFontInfo(graphFont()).pixelSize() * m_zoom >= kLeastTextPx;
    paintGraph(painter, m_graph, palette, currentSegment(), legible);
    if (m_graph.nLeftOut > 0) {
        painter.resetTransform();
        painter.setPen(palette.inkSoft);
        painter.drawText(rect().adjusted(8, 4, -8, -4), Qt::AlignLeft | Qt::AlignTop,
                         tr("the last %1 segments; %2 earlier ones are not drawn")
                             .arg(formatCount(qint64(m_graph.nodes.size())), formatCount(m_graph.nLeftOut)));
    }
}

void GraphView::selectSegment(int segment) {
    const RunData& run = m_store->data();
    if (segment < 0 || segment >= int(run.segments.size()) || run.steps.empty()) return;
    const Segment& s = run.segments[size_t(segment)];
    const int offset = run.steps.front().position;
    const int first = s.begin - offset,
              last = std::min(s.end == kOpenEnd ? m_store->nSteps() : s.end - offset, m_store->nSteps()) - 1;
    if (first >= 0 && last >= first) {
        m_selection->lockRange(first, last);
    } else {  // given, not written: the steps that first attended to it
        for (const StepRecord& step : run.steps)
            if (step.visible && mayRead(*step.visible, step.position, s.begin)) {
                m_selection->lockRange(step.index, step.index);
                break;
            }
    }
    emit segmentActivated(segment);
}

void GraphView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    m_pressed = true;
    m_press = event->position();
    m_pressOffset = m_offset;
}

void GraphView::mouseMoveEvent(QMouseEvent* event) {
    if (m_pressed && !m_dragging &&
        (event->position() - m_press).manhattanLength() >= QApplication::startDragDistance())
        m_dragging = true;
    if (m_dragging) {
        m_offset = m_pressOffset + event->position() - m_press;
        m_scope = Scope::Own;
        update();
        return;
    }
    const int node = m_graph.nodeAt((event->position() - m_offset) / m_zoom);
    const int segment = node < 0 ? -1 : m_graph.nodes[size_t(node)].segment;
    if (segment != m_hovered) {
        m_hovered = segment;
        setToolTip(node < 0 ? QString()
                            : plainToolTip(QString::fromStdString(m_graph.nodes[size_t(node)].label + ": " +
                                                                  m_graph.nodes[size_t(node)].text)));
        update();
    }
}

void GraphView::mouseReleaseEvent(QMouseEvent* event) {
    const bool click = m_pressed && !m_dragging;
    m_pressed = m_dragging = false;
    if (!click || event->button() != Qt::LeftButton) return;
    const int node = m_graph.nodeAt((event->position() - m_offset) / m_zoom);
    if (node >= 0) selectSegment(m_graph.nodes[size_t(node)].segment);
    else m_selection->clear();
}

void GraphView::wheelEvent(QWheelEvent* event) {
    const double factor = std::pow(1.15, event->angleDelta().y() / 120.0);
    const double zoom = std::clamp(m_zoom * factor, kLeastZoom, kMostZoom);
    m_offset = event->position() - (event->position() - m_offset) * (zoom / m_zoom);
    m_zoom = zoom;
    m_scope = Scope::Own;
    update();
    event->accept();
}

void GraphView::selectNode(int node) {
    if (m_graph.nodes.empty()) return;
    node = std::clamp(node, 0, int(m_graph.nodes.size()) - 1);
    selectSegment(m_graph.nodes[size_t(node)].segment);
}

void GraphView::keyPressEvent(QKeyEvent* event) {
    const int node = m_graph.nodeOf(currentSegment());
    switch (event->key()) {
        case Qt::Key_Down:
        case Qt::Key_Right: selectNode(node + 1); break;
        case Qt::Key_Up:
        case Qt::Key_Left: selectNode(node < 0 ? int(m_graph.nodes.size()) - 1 : node - 1); break;
        case Qt::Key_Escape:
            if (m_selection->isLocked()) m_selection->clear();
            else if (m_scope != Scope::Readable) {
                m_scope = Scope::Readable;
                showScope();
            } else event->ignore();
            break;
        default: QWidget::keyPressEvent(event); break;
    }
}

void GraphView::leaveEvent(QEvent*) {
    m_hovered = -1;
    update();
}

void GraphView::resizeEvent(QResizeEvent*) { showScope(); }

QString GraphView::text() const {
    QStringList lines;
    for (size_t i = 0; i < m_graph.nodes.size(); ++i) {
        if (m_graph.nodes[i].kind != SegmentKind::Out) continue;
        QStringList sources;
        for (const GraphEdge& e : m_graph.edges)
            if (e.to == int(i))
                sources << (e.broken ? tr("nothing (unknown label)")
                                     : QString::fromStdString(m_graph.nodes[size_t(e.from)].label));
        lines << tr("%1 named %2")
                     .arg(QString::fromStdString(m_graph.nodes[i].label),
                          sources.isEmpty() ? tr("nothing else") : sources.join(", "));
    }
    return lines.join('\n');
}

void GraphView::copyText() { QGuiApplication::clipboard()->setText(text()); }

}  // namespace spanscope
