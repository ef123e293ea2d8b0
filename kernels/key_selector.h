// Who chooses what a query reads by the keys themselves, head by head: the policies that a declared span is compared
// with (Quest, SnapKV, ...) are defined by such scores. A backend asks for each query head of each layer while it
// decodes. Made for comparing what is read, not for speed: keys are handed over as floats. See
// BackendInfo::keySelection.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/visibility.h"

namespace spanscope {

/// One query head of one layer in a decode step.
struct HeadQuery {
    int32_t layer = 0, nLayers = 0;
    int32_t head = 0, nHeads = 0;
    int32_t headDim = 0;
    int32_t position = 0;  ///< of the query
    std::span<const float>
        query;  ///< (headDim), after norm and RoPE, times the attention scale: query . key is a score
    std::span<const float>
        keys;           ///< (position + 1, headDim) of its KV head as the cache holds them, the query's own last
    float softcap = 0;  ///< c tanh(score / c) before softmax; 0 = none
    std::span<const float> key(int32_t at) const {
        return keys.subspan(static_cast<size_t>(at) * static_cast<size_t>(headDim), static_cast<size_t>(headDim));
    }
};

class KeySelector {
  public:
    virtual ~KeySelector() = default;
    /// The list that this head reads: sorted, disjoint, within the step's own list, the query's own token in it. Valid
    /// until the next call. A window of the layer holds on top of it.
    virtual std::span<const Interval> select(const HeadQuery& query) = 0;
    /// Whether RoPE counts only the tokens of the list: keys and query then stand where they would in a cache that
    /// holds nothing else. What a window or the step's own list takes off on top moves nothing.
    virtual bool reassignsPositions() const { return false; }
};

/// Tokens between those of list[at] and the query that the list leaves out. A key that is stored as rotated to its
/// position p is, for a query rotated to q, q - p away. Turned back by this many positions, the query is as far from it
/// as in a cache of the list alone: turns by RoPE add up, so that no key has to be rotated anew.
inline int32_t leftOutAfter(std::span<const Interval> list, size_t at, int32_t position) {
    const std::span<const Interval> later = list.subspan(at + 1);
    return position + 1 - clipToQuery(list[at], position).end -
           attendedTokens(later.data(), static_cast<int32_t>(later.size()), position);
}

}  // namespace spanscope
