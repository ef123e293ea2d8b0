// Tokens per second over about the last second, token-weighted; silent below half a second of data, so that a tiny
// window never shows an absurd figure. Time is the run's own clock (its slices only). Value type.
#pragma once

#include <vector>

#include "engine/types/records.h"

namespace spanscope {

/// 0 while there is too little to say.
inline double liveTokensPerS(const std::vector<StepRecord>& steps) {
    constexpr int64_t kWindowNs = 1'000'000'000, kMinimumNs = 500'000'000;
    if (steps.size() < 2) return 0;
    const int64_t newest = steps.back().atNs;
    size_t first = steps.size() - 1;
    while (first > 0 && newest - steps[first - 1].atNs <= kWindowNs) --first;
    const int64_t span = newest - steps[first].atNs;
    if (span < kMinimumNs) return 0;
    return double(steps.size() - 1 - first) * 1e9 / double(span);
}

}  // namespace spanscope
