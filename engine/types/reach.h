// Reach: what could have acted on a step, from the interval lists alone. A layer moves information from the positions
// in a query's list to the query, so what is not in the list of a step can still act on it through a token that read
// it: one hop more, one layer more. Prompt tokens have lists of their own and count like steps. Values; any thread.
//
// This is an upper bound of what keys and values carry, and says nothing of how much. Layers that read only the newest
// tokens of a list carry less. That a token was chosen by the step before it is another way of acting, which is not
// counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

struct Reach {
    int32_t step = -1;      ///< -1: nothing was computed
    int32_t position = -1;  ///< of the step; all lists below are inside [0, position]
    int32_t nLayers = 0;    ///< hops that information could make at most; 0: not known, without limit
    /// hops[0]: in the step's own list, its own token too. hops[k]: through k tokens in between and not through fewer.
    /// Each normalised and not empty, no two have a token in common.
    std::vector<IntervalList> hops;
    IntervalList never;  ///< the rest

    /// Tokens in between for a position: 0 directly, -1 never.
    int32_t between(int32_t at) const;
};

/// Bounded by the positions up to the step and the intervals in their lists, each looked at once, however many hops
/// there are. Without a list (a prompt whose lists are not known) a position counts as one that read everything before
/// it. Empty where there is no such step, and where stop was set meanwhile.
Reach reachOf(const RunData& run, int32_t step, const std::atomic<bool>* stop = nullptr);

}  // namespace spanscope
