// THE MASK RULE of docs/protocol.md: what a query of the prompt or of the response may read, from the state that the
// tracker keeps. A pure function; decoding, the training data, the window and the tests get their lists from here.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/span/span_policy.h"
#include "engine/types/records.h"

namespace spanscope {

/// Where a text stands in the protocol: all that the rule looks at.
struct SpanState {
    SpanPolicy policy;
    std::vector<Segment> segments;  ///< prompt's first, then the response's
    IntervalList scaffold;          ///< of the prompt
    IntervalList heads;             ///< `<out> label <:>` of every out-segment so far
    int32_t current = -1;           ///< segment of the query; -1: outside any
    int32_t previous = -1;          ///< the out-segment closed last; -1: none
    int32_t response = 0;           ///< its first token
    IntervalList hidden;            ///< by tags of a vocabulary; never tokens of the prompt or of `current`
    Phase phase = Phase::Free;      ///< of the query
};

/// The list of a query in that state, normalised; causality is implied, so that a list that stays open ({begin,
/// kOpenEnd}) serves every query until the state changes.
IntervalList visibleIntervals(const SpanState& state);

}  // namespace spanscope
