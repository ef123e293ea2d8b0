// Visible sets as the rest of the program handles them. The rule itself is kernels/visibility.h.
#pragma once

#include <memory>
#include <vector>

#include "kernels/visibility.h"

namespace spanscope {

using IntervalList = std::vector<Interval>;                   ///< sorted, disjoint, not touching
using SharedIntervals = std::shared_ptr<const IntervalList>;  ///< immutable once made; shared by every step of a phase

inline bool mayRead(const IntervalList& list, int32_t query, int32_t key) {
    return mayRead(list.data(), static_cast<int32_t>(list.size()), query, key);
}
inline int32_t attendedTokens(const IntervalList& list, int32_t query) {
    return attendedTokens(list.data(), static_cast<int32_t>(list.size()), query);
}
inline int32_t loadedTokens(const IntervalList& list, int32_t query) {
    return loadedTokens(list.data(), static_cast<int32_t>(list.size()), query);
}

}  // namespace spanscope
