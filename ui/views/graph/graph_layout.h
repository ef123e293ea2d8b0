// The dependency graph of a run's segments: who declared whom. Laid out in layers, sources first; for arithmetic this
// is the evaluation tree. Values; any thread.
#pragma once

#include <QRectF>
#include <QSizeF>
#include <string>
#include <vector>

#include "engine/types/records.h"

class QPainter;

namespace spanscope {

struct Palette;

struct GraphNode {
    int segment = -1;  ///< index into RunData::segments
    SegmentKind kind = SegmentKind::Out;
    std::string label;  ///< "out 3"
    std::string text;   ///< what it says, shortened; work marked <local> is left out up to its result
    bool fallback = false;
    int layer = 0;
    QRectF rect;  ///< in layout units (pixels at zoom 1)
    int attended = 0, steps = 0;
};

struct GraphEdge {
    int from = -1, to = -1;    ///< nodes; `to` declared `from`
    bool broken = false;       ///< a reference that resolved to nothing: from is -1
    std::vector<QPointF> via;  ///< where it passes the layers in between, clear of their nodes
};

struct GraphLayout {
    std::vector<GraphNode> nodes;
    std::vector<GraphEdge> edges;
    QSizeF size;
    int nLeftOut = 0;  ///< earlier out-segments that a long run has no room for

    int nodeAt(QPointF point) const;  ///< -1 if none
    int nodeOf(int segment) const;    ///< -1 if not in the graph
};

/// The words of a segment after its declaration (out) or after <:> (in), shortened. Of an out-segment with local work:
/// what was asked, and the result after the last "=".
std::string segmentText(const RunData& run, const Segment& segment);

/// Nodes: every out-segment, and every in-segment that some out-segment names. References always point to earlier
/// segments, so the graph has no cycles; ones that do not (a damaged trace) count as broken. Of a long run only the
/// last maxSegments out-segments are laid out, fewer where they name so many that nobody could follow the arrows; of
/// one segment the first 64 references.
GraphLayout layoutGraph(const RunData& run, int maxSegments = 300);

/// Paints the graph at (0, 0) in layout units. highlight: segment whose sources and users are lit, -1 none. withText:
/// false where it would be too small to read.
void paintGraph(QPainter& painter, const GraphLayout& graph, const Palette& palette, int highlight,
                bool withText = true);

}  // namespace spanscope
