// A step's span under a person's hands: edges dragged, segments ticked. The first token and the step itself stay, as
// the protocol has it. Values; any thread.
#pragma once

#include "engine/types/interval.h"

namespace spanscope {

class SpanEditor {
  public:
    void reset(const IntervalList& list, int32_t position);  ///< what the step at `position` attended to
    const IntervalList& list() const { return m_list; }      ///< sorted, disjoint, clipped to the step
    const IntervalList& original() const { return m_original; }
    bool changed() const { return m_list != m_original; }
    int32_t position() const { return m_position; }

    /// Edges are numbered from the left: begin and end of each interval in turn.
    int nEdges() const { return static_cast<int>(m_list.size()) * 2; }
    int32_t edge(int index) const;
    /// The edge within `reach` tokens of a place between tokens, the nearest; -1 none. The first and the last edge are
    /// fixed: the sink and the step itself.
    int edgeNear(double place, double reach) const;
    bool isFixed(int index) const;
    /// Moves an edge as far as its neighbours let it; returns where it went.
    int32_t moveEdge(int index, int32_t to);
    /// Joins what touches. Edge numbers change.
    void settle();

    void setShown(Interval tokens, bool shown);
    int32_t nShown(Interval tokens) const;  ///< of these tokens

  private:
    void normalise();
    IntervalList m_list, m_original;
    int32_t m_position = 0;
};

}  // namespace spanscope
