#include "ui/views/probe/probe_span_edit.h"

#include <algorithm>
#include <cmath>

#include "engine/types/interval_algebra.h"

namespace spanscope {

void SpanEditor::reset(const IntervalList& list, int32_t position) {
    m_position = std::max(0, position);
    m_list = list;
    normalise();
    m_original = m_list;
}

void SpanEditor::normalise() {
    m_list.push_back({0, 1});
    m_list.push_back({m_position, m_position + 1});
    m_list = clip(normalised(std::move(m_list)), 0, m_position + 1);
}

int32_t SpanEditor::edge(int index) const {
    const Interval& i = m_list[static_cast<size_t>(index / 2)];
    return index % 2 == 0 ? i.begin : i.end;
}

bool SpanEditor::isFixed(int index) const { return index <= 0 || index >= nEdges() - 1; }

int SpanEditor::edgeNear(double place, double reach) const {
    int best = -1;
    for (int i = 1; i < nEdges() - 1; ++i) {
        const double distance = std::abs(edge(i) - place);
        if (distance <= reach) {
            reach = distance;
            best = i;
        }
    }
    return best;
}

int32_t SpanEditor::moveEdge(int index, int32_t to) {
    if (isFixed(index)) return index < 0 || index >= nEdges() ? -1 : edge(index);
    Interval& i = m_list[static_cast<size_t>(index / 2)];
    // Between the edges on both sides; the first interval keeps the sink, the last the step itself.
    if (index % 2 == 0) {
        i.begin = std::clamp(to, edge(index - 1), i.end - 1);
        return i.begin;
    }
    i.end = std::clamp(to, i.begin + 1, edge(index + 1));
    return i.end;
}

void SpanEditor::settle() { normalise(); }

void SpanEditor::setShown(Interval tokens, bool shown) {
    const Interval c = clipToQuery(tokens, m_position);
    if (c.begin >= c.end) return;
    if (shown) {
        m_list.push_back(c);
    } else {
        m_list = subtract(m_list, {c});
    }
    normalise();
}

int32_t SpanEditor::nShown(Interval tokens) const {
    const Interval c = clipToQuery(tokens, m_position);
    int32_t n = 0;
    for (const Interval& i : m_list) n += std::max(0, std::min(i.end, c.end) - std::max(i.begin, c.begin));
    return n;
}

}  // namespace spanscope
