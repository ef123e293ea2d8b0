// A run's mask as rows of bytes, made from the recorded intervals when somebody asks for it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/types/records.h"

namespace spanscope::trace {

inline constexpr uint8_t kFuture = 0, kSkipped = 1, kRead = 2;

inline size_t contextTokens(const RunData& run) { return run.header.prompt.size() + run.steps.size(); }

/// The states of all context positions for the step's query, as runs from left to right: take(state, nPositions).
template <class Take>
void forEachMaskRun(const StepRecord& step, size_t nContext, const Take& take) {
    size_t at = 0;
    const auto upTo = [&](size_t end, uint8_t state) {
        end = std::min(end, nContext);
        if (end > at) take(state, end - at);
        at = std::max(at, end);
    };
    for (const Interval& i : *step.visible) {
        const Interval c = clipToQuery(i, step.position);
        if (c.begin >= c.end) continue;
        upTo(static_cast<size_t>(c.begin), kSkipped);
        upTo(static_cast<size_t>(c.end), kRead);
    }
    upTo(static_cast<size_t>(step.position) + 1, kSkipped);
    upTo(nContext, kFuture);
}

}  // namespace spanscope::trace
