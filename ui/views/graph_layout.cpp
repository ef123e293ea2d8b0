#include "ui/views/graph_layout.h"

#include <QFontMetricsF>
#include <QObject>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <map>
#include <numeric>

#include "ui/views/mask_explain.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {

constexpr double kWidth = 148, kHeight = 40, kGapX = 54, kGapY = 14, kMargin = 16;
constexpr size_t kTextCharacters = 22;

/// The words after the declaration (out) or after <:> (in), without special pieces; the last line's end kept.
std::string bodyText(const RunData& run, const Segment& s) {
    const int begin = s.bodyBegin >= 0 ? s.bodyBegin : s.begin;
    const int nPrompt = int(run.header.prompt.size()), total = nPrompt + int(run.steps.size());
    std::string text;
    for (int p = std::max(0, begin); p < std::min(s.end, total); ++p) {
        const TokenInfo& t = p < nPrompt ? run.header.prompt[size_t(p)] : run.steps[size_t(p - nPrompt)].token;
        if (t.special) text += ' ';
        else if (t.text != "\n") text += t.text;
        if (text.size() > 4096) break;
    }
    // Long work in between is left out: what was asked and what came out.
    const QString q = QString::fromStdString(text).simplified();
    if (q.size() <= int(kTextCharacters)) return q.toStdString();
    const int equals = int(q.lastIndexOf('='));
    if (s.kind == SegmentKind::Out && equals > 0 && q.size() - equals <= 10)
        return (q.left(int(kTextCharacters) - 2 - int(q.size() - equals)) + QStringLiteral("\u2026 ") + q.mid(equals)).toStdString();
    return (q.left(int(kTextCharacters) - 1) + QStringLiteral("\u2026")).toStdString();
}

}  // namespace

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

GraphLayout layoutGraph(const RunData& run) {
    GraphLayout graph;
    const int nSegments = int(run.segments.size());
    std::vector<char> wanted(size_t(nSegments), 0);
    for (int i = 0; i < nSegments; ++i) {
        const Segment& s = run.segments[size_t(i)];
        if (s.kind != SegmentKind::Out) continue;
        wanted[size_t(i)] = 1;
        for (const SpanRef& ref : s.refs)
            if (ref.segment >= 0 && ref.segment < i) wanted[size_t(ref.segment)] = 1;
    }
    std::vector<int> nodeOf(size_t(nSegments), -1);
    for (int i = 0; i < nSegments; ++i) {
        if (!wanted[size_t(i)]) continue;
        const Segment& s = run.segments[size_t(i)];
        GraphNode n;
        n.segment = i;
        n.kind = s.kind;
        n.label = segmentLabel(s);
        n.text = bodyText(run, s);
        n.fallback = s.fallback;
        nodeOf[size_t(i)] = int(graph.nodes.size());
        graph.nodes.push_back(std::move(n));
    }
    for (const StepRecord& step : run.steps)
        if (step.segment >= 0 && step.segment < nSegments && nodeOf[size_t(step.segment)] >= 0) {
            GraphNode& n = graph.nodes[size_t(nodeOf[size_t(step.segment)])];
            n.attended += step.attended;
            ++n.steps;
        }
    int layers = 0;
    for (int i = 0; i < nSegments; ++i) {
        const int to = nodeOf[size_t(i)];
        if (to < 0 || run.segments[size_t(i)].kind != SegmentKind::Out) continue;
        GraphNode& node = graph.nodes[size_t(to)];
        for (const SpanRef& ref : run.segments[size_t(i)].refs) {
            if (ref.segment < 0 || ref.segment >= i || nodeOf[size_t(ref.segment)] < 0) {
                graph.edges.push_back({-1, to, true});
                continue;
            }
            const int from = nodeOf[size_t(ref.segment)];
            graph.edges.push_back({from, to, false});
            node.layer = std::max(node.layer, graph.nodes[size_t(from)].layer + 1);  // sources come first
        }
        layers = std::max(layers, node.layer + 1);
    }
    if (graph.nodes.empty()) return graph;
    layers = std::max(1, layers);
    // An in-segment stands right before its first user, not at the far left.
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        if (graph.nodes[i].kind != SegmentKind::In) continue;
        int first = layers;
        for (const GraphEdge& e : graph.edges)
            if (e.from == int(i)) first = std::min(first, graph.nodes[size_t(e.to)].layer);
        graph.nodes[i].layer = std::max(0, first - 1);
    }

    // Order inside the layers: the mean place of the neighbours, a few sweeps to and fro.
    std::vector<std::vector<int>> order(static_cast<size_t>(layers));
    for (size_t i = 0; i < graph.nodes.size(); ++i) order[size_t(graph.nodes[i].layer)].push_back(int(i));
    std::vector<double> place(graph.nodes.size());
    const auto number = [&](const std::vector<int>& layer) {
        for (size_t k = 0; k < layer.size(); ++k) place[size_t(layer[k])] = double(k) - double(layer.size()) / 2;
    };
    for (const auto& layer : order) number(layer);
    std::vector<std::vector<int>> before(graph.nodes.size()), after(graph.nodes.size());
    for (const GraphEdge& e : graph.edges)
        if (!e.broken) {
            before[size_t(e.to)].push_back(e.from);
            after[size_t(e.from)].push_back(e.to);
        }
    for (int sweep = 0; sweep < 8; ++sweep) {
        for (int k = 0; k < layers; ++k) {
            auto& layer = order[size_t(sweep % 2 ? layers - 1 - k : k)];
            std::vector<double> want(graph.nodes.size());
            for (const int n : layer) {
                const auto& near = sweep % 2 ? after[size_t(n)] : before[size_t(n)];
                double sum = 0;
                for (const int m : near) sum += place[size_t(m)];
                want[size_t(n)] = near.empty() ? place[size_t(n)] : sum / double(near.size());
            }
            std::stable_sort(layer.begin(), layer.end(), [&](int a, int b) { return want[size_t(a)] < want[size_t(b)]; });
            number(layer);
        }
    }

    size_t tallest = 0;
    for (const auto& layer : order) tallest = std::max(tallest, layer.size());
    const double height = double(tallest) * (kHeight + kGapY) - kGapY;
    for (int k = 0; k < layers; ++k) {
        const auto& layer = order[size_t(k)];
        const double used = double(layer.size()) * (kHeight + kGapY) - kGapY;
        double y = kMargin + (height - used) / 2;
        for (const int n : layer) {
            graph.nodes[size_t(n)].rect = QRectF(kMargin + k * (kWidth + kGapX), y, kWidth, kHeight);
            y += kHeight + kGapY;
        }
    }
    graph.size = QSizeF(2 * kMargin + layers * (kWidth + kGapX) - kGapX, 2 * kMargin + height);
    return graph;
}

void paintGraph(QPainter& painter, const GraphLayout& graph, const Palette& palette, int highlight) {
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
                                           : QPointF(graph.nodes[size_t(e.from)].rect.right(), graph.nodes[size_t(e.from)].rect.center().y());
            QPen pen(isLit ? palette.accent : palette.inkSoft, isLit ? 2 : 1.2);
            if (e.broken) pen = QPen(palette.phase(Phase::Global), 2, Qt::DashLine);
            if (!isLit && lit >= 0) {
                QColor faint = palette.inkSoft;
                faint.setAlpha(70);
                pen.setColor(faint);
            }
            painter.setPen(pen);
            painter.setBrush(Qt::NoBrush);
            const double bend = std::max(20.0, (end.x() - start.x()) / 2);
            QPainterPath path(start);
            path.cubicTo(start + QPointF(bend, 0), end - QPointF(bend, 0), end - QPointF(7, 0));
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
        painter.setPen(QPen(int(i) == lit ? palette.accent : n.fallback ? palette.phase(Phase::Global) : palette.inkSoft,
                            int(i) == lit ? 2.2 : n.fallback ? 2 : 0.8, n.fallback ? Qt::DashLine : Qt::SolidLine));
        painter.setBrush(palette.segment(n.kind));
        if (n.kind == SegmentKind::In) painter.drawRoundedRect(n.rect, 3, 3);
        else painter.drawRoundedRect(n.rect, 11, 11);  // shape tells given from written
        const QRectF inner = n.rect.adjusted(10, 4, -8, -4);
        painter.setPen(palette.ink);
        painter.setFont(bold);
        painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), inner.height() / 2), Qt::AlignLeft | Qt::AlignVCenter,
                         QString::fromStdString(n.label));
        if (n.steps > 0) {
            painter.setFont(body);
            painter.setPen(palette.inkSoft);
            painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), inner.height() / 2), Qt::AlignRight | Qt::AlignVCenter,
                             QObject::tr("%1 read/step").arg(n.attended / n.steps));
        }
        painter.setFont(body);
        painter.setPen(palette.ink);
        painter.drawText(QRectF(inner.left(), inner.center().y(), inner.width(), inner.height() / 2), Qt::AlignLeft | Qt::AlignVCenter,
                         QFontMetricsF(body).elidedText(QString::fromStdString(n.text), Qt::ElideRight, inner.width()));
    }
    painter.setOpacity(1);
    painter.restore();
}

}  // namespace spanscope
