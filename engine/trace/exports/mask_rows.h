// A run's mask as rows of bytes, made from the recorded intervals when somebody asks for it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/trace/exports/npy_header.h"
#include "engine/types/records.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope::trace {

inline constexpr uint8_t kFuture = 0, kNotAttended = 1, kAttended = 2;

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
        upTo(static_cast<size_t>(c.begin), kNotAttended);
        upTo(static_cast<size_t>(c.end), kAttended);
    }
    upTo(static_cast<size_t>(step.position) + 1, kNotAttended);
    upTo(nContext, kFuture);
}

/// Rows that steps and their intervals make together: many steps may share a list of many intervals.
inline uint64_t nRowsOf(const RunData& run) {
    uint64_t n = 0;
    for (const StepRecord& s : run.steps)
        n += static_cast<uint64_t>(std::upper_bound(s.visible->begin(), s.visible->end(), s.position,
                                                    [](int32_t q, const Interval& i) { return q < i.begin; }) -
                                   s.visible->begin());
    return n;
}

/// Of an array of bytes (nSteps, nContext).
inline std::string maskHeader(const RunData& run) {
    return npyHeader("|u1", "(" + std::to_string(run.steps.size()) + ", " + std::to_string(contextTokens(run)) + ")");
}
/// The size of the NPY file: a byte for each step and context position.
inline uint64_t maskNpyBytes(const RunData& run) {
    return maskHeader(run).size() + uint64_t{run.steps.size()} * contextTokens(run);
}

/// Asked before each row; false where the caller wants no more.
inline bool goOn(const ProgressFn& progress, size_t row, size_t nRows) {
    constexpr size_t kEvery = 256;
    return !progress || row % kEvery != 0 || progress(static_cast<double>(row) / static_cast<double>(nRows));
}
inline Error exportStopped(const std::string& path) { return {ErrorCode::Cancelled, "the export was stopped", path}; }

}  // namespace spanscope::trace
