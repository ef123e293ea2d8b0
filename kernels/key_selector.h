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
};

}  // namespace spanscope
