// A run's mask as rows of bytes, made from the recorded intervals when somebody asks for it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/types/records.h"

namespace spanscope::trace {

inline constexpr uint8_t kFuture = 0, kSkipped = 1, kRead = 2;

inline size_t contextTokens(const RunData& run) { return run.header.prompt.size() + run.steps.size(); }

/// row: (nContext) states of every context position for the step's query.
inline void fillMaskRow(const StepRecord& step, std::vector<uint8_t>& row) {
    std::fill(row.begin(), row.end(), kFuture);
    std::fill_n(row.begin(), std::min(row.size(), static_cast<size_t>(step.position) + 1), kSkipped);
    for (const Interval& i : *step.visible) {
        const Interval c = clipToQuery(i, step.position);
        for (int32_t p = c.begin; p < c.end && static_cast<size_t>(p) < row.size(); ++p)
            row[static_cast<size_t>(p)] = kRead;
    }
}

}  // namespace spanscope::trace
