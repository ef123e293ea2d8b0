#include "ui/views/probe/probe_span_edit.h"

#include <algorithm>
#include <cmath>

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
    std::sort(m_list.begin(), m_list.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
    IntervalList joined;
    for (const Interval& interval : m_list) {
        const Interval c = clipToQuery(interval, m_position);
        if (c.begin >= c.end) continue;
        if (!joined.empty() && c.begin <= joined.back().end) joined.back().end = std::max(joined.back().end, c.end);
        else joined.push_back(c);
    }
    m_list = std::move(joined);
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
        IntervalList rest;
        for (const Interval& i : m_list) {
            if (i.begin < std::min(i.end, c.begin)) rest.push_back({i.begin, std::min(i.end, c.begin)});
            if (std::max(i.begin, c.end) < i.end) rest.push_back({std::max(i.begin, c.end), i.end});
        }
        m_list = std::move(rest);
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
