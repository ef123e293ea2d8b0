#include "ui/views/graph/graph_layout.h"

#include <QFontMetricsF>
#include <QObject>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <span>

#include "engine/types/segment_name.h"
#include "ui/model/shown_text.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {

constexpr double kWidth = 148, kHeight = 40, kPassHeight = 6, kGapX = 54, kGapY = 14, kMargin = 16;
constexpr size_t kTextCharacters = 22;
// What can be told apart, and laid out and painted within a frame or two.
constexpr size_t kMostNodes = 800, kMostEdges = 1500, kMostRefs = 64;
constexpr int64_t kMostPasses = 6000;
constexpr int kFewSegments = 8;

std::span<const SpanRef> drawnRefs(const Segment& segment) {
    return std::span(segment.refs).first(std::min(segment.refs.size(), kMostRefs));
}

/// Layers of things to place: real nodes first, then one point for each layer that an edge passes.
struct Slots {
    std::vector<std::vector<int>> layers;
    std::vector<double> height, y;
    std::vector<std::vector<int>> before, after;

    int add(int layer, double h) {
        const int id = int(height.size());
        height.push_back(h);
        y.push_back(0);
        before.emplace_back();
        after.emplace_back();
        layers[size_t(layer)].push_back(id);
        return id;
    }
    void link(int from, int to) {
        after[size_t(from)].push_back(to);
        before[size_t(to)].push_back(from);
    }
    double gap(int a, int b) const { return (height[size_t(a)] + height[size_t(b)]) / 2 + kGapY; }
    double wish(int n, bool backwards) const {
        const auto& near = backwards ? after[size_t(n)] : before[size_t(n)];
        if (near.empty()) return y[size_t(n)];
        double sum = 0;
        for (const int m : near) sum += y[size_t(m)];
        return sum / double(near.size());
    }
    /// Puts a layer where its members wish to be, in their order, none over another.
    void place(std::vector<int>& layer, const std::vector<double>& want) {
        if (layer.empty()) return;
        double shift = 0, at = 0;
        for (size_t k = 0; k < layer.size(); ++k) {
            const int n = layer[k];
            at = k == 0 ? want[k] : std::max(want[k], at + gap(layer[k - 1], n));
            y[size_t(n)] = at;
            shift += want[k] - at;
        }
        shift /= double(layer.size());  // pushed down only: give half of it back
        for (const int n : layer) y[size_t(n)] += shift;
    }
    void sweep(bool backwards, bool reorder) {
        std::vector<double> want(height.size());
        for (size_t k = 0; k < layers.size(); ++k) {
            auto& layer = layers[backwards ? layers.size() - 1 - k : k];
            for (const int n : layer) want[size_t(n)] = wish(n, backwards);
            if (reorder)
                std::stable_sort(layer.begin(), layer.end(),
                                 [&](int a, int b) { return want[size_t(a)] < want[size_t(b)]; });
            std::vector<double> inOrder;
            for (const int n : layer) inOrder.push_back(want[size_t(n)]);
            place(layer, inOrder);
        }
    }
};

}  // namespace

std::string segmentText(const RunData& run, const Segment& s) {
    const int begin = s.bodyBegin >= 0 ? s.bodyBegin : s.begin;
    const int nPrompt = int(run.header.prompt.size()), total = nPrompt + int(run.steps.size());
    std::string asked, work;
    bool local = false;
    for (int p = std::max(0, begin); p < std::min(s.end, total); ++p) {
        const bool given = p < nPrompt;
        const TokenInfo& t = given ? run.header.prompt[size_t(p)] : run.steps[size_t(p - nPrompt)].token;
        if (!given && s.kind == SegmentKind::Out && run.steps[size_t(p - nPrompt)].phase == Phase::Local) local = true;
        std::string& text = local ? work : asked;
        if (t.special) text += ' ';
        else if (t.text != "\n") text += t.text;
        if (text.size() > 4096) break;
    }
    QString q = shownWords(asked, 4096);
    const QString w = shownWords(work, 4096);
    const qsizetype equals = w.lastIndexOf('=');
    const QString result =
        equals >= 0 && w.size() - equals <= 14 ? QStringLiteral(" = ") + w.mid(equals + 1) : QString();
    if (result.isEmpty() && !w.isEmpty()) q += ' ' + w;
    const qsizetype room = std::max<qsizetype>(4, qsizetype(kTextCharacters) - result.size());
    if (q.size() > room) q = q.left(room - 1) + QChar(0x2026);
    return shownLine(q + result).toStdString();
}

int GraphLayout::nodeAt(QPointF point) const {
    for (size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i].rect.contains(point)) return int(i);
    return -1;
}

int GraphLayout::nodeOf(int segment) const {
    for (size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i].segment == segment) return int(i);
    return -1;
}

GraphLayout layoutGraph(const RunData& run, int maxSegments) {
    GraphLayout graph;
    const int nSegments = int(run.segments.size());
    std::vector<char> wanted(size_t(nSegments), 0);
    int begin = nSegments;  // the last maxSegments out-segments and what they name
    for (int nOut = 0; begin > 0 && nOut < maxSegments; --begin)
        nOut += run.segments[size_t(begin) - 1].kind == SegmentKind::Out;
    for (int i = 0; i < begin; ++i) graph.nLeftOut += run.segments[size_t(i)].kind == SegmentKind::Out;
    for (int i = begin; i < nSegments; ++i) {
        const Segment& s = run.segments[size_t(i)];
        if (s.kind != SegmentKind::Out) continue;
        wanted[size_t(i)] = 1;
        for (const SpanRef& ref : drawnRefs(s))
            if (ref.segment >= 0 && ref.segment < i) wanted[size_t(ref.segment)] = 1;
    }
    if (size_t(std::count(wanted.begin(), wanted.end(), 1)) > kMostNodes && maxSegments > kFewSegments)
        return layoutGraph(run, maxSegments / 2);
    std::vector<int> nodeOf(size_t(nSegments), -1);
    for (int i = 0; i < nSegments; ++i) {
        if (!wanted[size_t(i)]) continue;
        const Segment& s = run.segments[size_t(i)];
        GraphNode n;
        n.segment = i;
        n.kind = s.kind;
        n.label = segmentName(s);
        n.text = segmentText(run, s);
        n.fallback = s.fallback;
        nodeOf[size_t(i)] = int(graph.nodes.size());
        graph.nodes.push_back(std::move(n));
    }
    const size_t firstStep =
        graph.nLeftOut > 0 && !run.steps.empty()
            ? size_t(std::clamp<int64_t>(int64_t(run.segments[size_t(begin)].begin) - run.steps.front().position, 0,
                                         int64_t(run.steps.size())))
            : 0;
    for (size_t k = firstStep; k < run.steps.size(); ++k) {
        const StepRecord& step = run.steps[k];
        if (step.segment >= 0 && step.segment < nSegments && nodeOf[size_t(step.segment)] >= 0) {
            GraphNode& n = graph.nodes[size_t(nodeOf[size_t(step.segment)])];
            n.attended += step.attended;
            ++n.steps;
        }
    }
    int layers = 0;
    for (int i = 0; i < nSegments; ++i) {
        const int to = nodeOf[size_t(i)];
        if (to < 0 || i < begin || run.segments[size_t(i)].kind != SegmentKind::Out) continue;
        GraphNode& node = graph.nodes[size_t(to)];
        for (const SpanRef& ref : drawnRefs(run.segments[size_t(i)])) {
            if (ref.segment < 0 || ref.segment >= i || nodeOf[size_t(ref.segment)] < 0) {
                graph.edges.push_back({-1, to, true, {}});
                continue;
            }
            const int from = nodeOf[size_t(ref.segment)];
            graph.edges.push_back({from, to, false, {}});
            node.layer = std::max(node.layer, graph.nodes[size_t(from)].layer + 1);  // sources come first
        }
        layers = std::max(layers, node.layer + 1);
    }
    if (graph.nodes.empty()) return graph;
    layers = std::max(1, layers);
    // An in-segment stands right before its first user, not at the far left.
    std::vector<int> firstUser(graph.nodes.size(), layers);
    for (const GraphEdge& e : graph.edges)
        if (!e.broken) firstUser[size_t(e.from)] = std::min(firstUser[size_t(e.from)], graph.nodes[size_t(e.to)].layer);
    for (size_t i = 0; i < graph.nodes.size(); ++i)
        if (graph.nodes[i].kind == SegmentKind::In) graph.nodes[i].layer = std::max(0, firstUser[i] - 1);

    int64_t nPasses = 0;
    for (const GraphEdge& e : graph.edges)
        if (!e.broken) nPasses += graph.nodes[size_t(e.to)].layer - graph.nodes[size_t(e.from)].layer;
    if ((graph.edges.size() > kMostEdges || nPasses > kMostPasses) && maxSegments > kFewSegments)
        return layoutGraph(run, maxSegments / 2);

    // Layered drawing after Sugiyama: order by the mean place of the neighbours, then pull each toward them.
    Slots all;
    all.layers.resize(size_t(layers));
    for (const GraphNode& n : graph.nodes) all.add(n.layer, kHeight);
    std::vector<std::vector<int>> passes(graph.edges.size());
    for (size_t i = 0; i < graph.edges.size(); ++i) {
        const GraphEdge& e = graph.edges[i];
        if (e.broken) continue;
        int at = e.from;
        for (int k = graph.nodes[size_t(e.from)].layer + 1; k < graph.nodes[size_t(e.to)].layer; ++k) {
            const int pass = all.add(k, kPassHeight);
            all.link(at, pass);
            passes[i].push_back(pass);
            at = pass;
        }
        all.link(at, e.to);
    }
    for (auto& layer : all.layers) {  // a first stack in order of appearance
        std::vector<double> want;
        for (size_t k = 0; k < layer.size(); ++k) want.push_back(double(k) * (kHeight + kGapY));
        all.place(layer, want);
    }
    for (int i = 0; i < 10; ++i) all.sweep(i % 2, true);
    for (int i = 0; i < 6; ++i) all.sweep(i % 2, false);

    double top = 1e300, bottom = -1e300;
    for (size_t i = 0; i < all.y.size(); ++i) {
        top = std::min(top, all.y[i] - all.height[i] / 2);
        bottom = std::max(bottom, all.y[i] + all.height[i] / 2);
    }
    const auto left = [](int layer) { return kMargin + layer * (kWidth + kGapX); };
    for (size_t i = 0; i < graph.nodes.size(); ++i)
        graph.nodes[i].rect =
            QRectF(left(graph.nodes[i].layer), kMargin + all.y[i] - top - kHeight / 2, kWidth, kHeight);
    for (size_t i = 0; i < graph.edges.size(); ++i) {
        int layer = graph.edges[i].broken ? 0 : graph.nodes[size_t(graph.edges[i].from)].layer;
        for (const int pass : passes[i]) {
            const double y = kMargin + all.y[size_t(pass)] - top;
            ++layer;
            graph.edges[i].via.push_back({left(layer), y});
            graph.edges[i].via.push_back({left(layer) + kWidth, y});
        }
    }
    graph.size = QSizeF(2 * kMargin + layers * (kWidth + kGapX) - kGapX, 2 * kMargin + bottom - top);
    return graph;
}

void paintGraph(QPainter& painter, const GraphLayout& graph, const Palette& palette, int highlight, bool withText) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, true);
    const int lit = highlight >= 0 ? graph.nodeOf(highlight) : -1;
    std::vector<char> near(graph.nodes.size(), lit < 0);
    if (lit >= 0) {
        near[size_t(lit)] = 1;
        for (const GraphEdge& e : graph.edges) {
            if (e.to == lit && e.from >= 0) near[size_t(e.from)] = 1;
            if (e.from == lit) near[size_t(e.to)] = 1;
        }
    }
    for (const int pass : {0, 1})  // lit edges on top
        for (const GraphEdge& e : graph.edges) {
            const bool isLit = lit >= 0 && (e.to == lit || e.from == lit);
            if (isLit != (pass == 1)) continue;
            const QRectF& to = graph.nodes[size_t(e.to)].rect;
            const QPointF end(to.left(), to.center().y());
            const QPointF start = e.broken ? end - QPointF(26, 0)
                                           : QPointF(graph.nodes[size_t(e.from)].rect.right(),
                                                     graph.nodes[size_t(e.from)].rect.center().y());
            QPen pen(isLit ? palette.accent : palette.inkSoft, isLit ? 2 : 1.2);
            if (e.broken) pen = QPen(palette.phase(Phase::Global), 2, Qt::DashLine);
            if (!isLit && lit >= 0) {
                QColor faint = palette.inkSoft;
                faint.setAlpha(palette.highContrast ? 160 : 70);
                pen.setColor(faint);
            }
            painter.setPen(pen);
            painter.setBrush(Qt::NoBrush);
            QPainterPath path(start);
            QPointF at = start;
            const auto curve = [&](QPointF to_) {
                const double bend = std::max(10.0, (to_.x() - at.x()) / 2);
                path.cubicTo(at + QPointF(bend, 0), to_ - QPointF(bend, 0), to_);
                at = to_;
            };
            for (size_t k = 0; k < e.via.size(); ++k) {  // bend between layers, straight past a layer
                if (k % 2 == 0) curve(e.via[k]);
                else path.lineTo(at = e.via[k]);
            }
            curve(end - QPointF(7, 0));
            painter.drawPath(path);
            painter.setPen(Qt::NoPen);
            painter.setBrush(pen.color());
            painter.drawPolygon(QPolygonF({end, end - QPointF(8, 4), end - QPointF(8, -4)}));
        }
    QFont bold = painter.font(), body = painter.font();
    bold.setBold(true);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const GraphNode& n = graph.nodes[i];
        painter.setOpacity(near[i] ? 1 : 0.35);
        painter.setPen(QPen(int(i) == lit ? palette.accent
                            : n.fallback  ? palette.phase(Phase::Global)
                                          : palette.inkSoft,
                            int(i) == lit ? 2.2
                            : n.fallback  ? 2
                                          : 0.8,
                            n.fallback ? Qt::DashLine : Qt::SolidLine));
        painter.setBrush(palette.segment(n.kind));
        if (n.kind == SegmentKind::In) painter.drawRoundedRect(n.rect, 3, 3);
        else painter.drawRoundedRect(n.rect, 11, 11);  // shape tells given from written
        if (!withText) continue;
        const QRectF inner = n.rect.adjusted(10, 4, -8, -4);
        painter.setPen(palette.ink);
        painter.setFont(bold);
        painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), inner.height() / 2),
                         Qt::AlignLeft | Qt::AlignVCenter, QString::fromStdString(n.label));
        if (n.steps > 0) {  // in as many words as there is room for beside the name
            const double room = inner.width() - QFontMetricsF(bold).horizontalAdvance(QString::fromStdString(n.label)) -
                                QFontMetricsF(body).horizontalAdvance(u' ');
            const qint64 mean = n.attended / n.steps;
            painter.setFont(body);
            painter.setPen(palette.inkSoft);
            for (const QString& text : {QObject::tr("%1 attended/step").arg(mean), QObject::tr("%1/step").arg(mean)}) {
                if (QFontMetricsF(body).horizontalAdvance(text) > room) continue;
                painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), inner.height() / 2),
                                 Qt::AlignRight | Qt::AlignVCenter, text);
                break;
            }
        }
        painter.setFont(body);
        painter.setPen(palette.ink);
        painter.drawText(QRectF(inner.left(), inner.center().y(), inner.width(), inner.height() / 2),
                         Qt::AlignLeft | Qt::AlignVCenter,
                         QFontMetricsF(body).elidedText(QString::fromStdString(n.text), Qt::ElideRight, inner.width()));
    }
    painter.setOpacity(1);
    painter.restore();
}

}  // namespace spanscope
