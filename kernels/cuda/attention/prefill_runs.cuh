// Which run a query of a prompt belongs to, and how far back it reads.
#pragma once

#include "kernels/cuda/attention/prefill_attention.h"
#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {

/// Last run that begins at or before `position`.
__device__ __forceinline__ int32_t runAt(const DeviceRun* runs, int32_t nRuns, int32_t position) {
    int32_t lo = 0, hi = nRuns - 1;
    while (lo < hi) {
        const int32_t mid = (lo + hi + 1) / 2;
        if (runs[mid].begin <= position) lo = mid;
        else hi = mid - 1;
    }
    return lo;
}

/// The oldest key in `query`'s window.
__device__ __forceinline__ int32_t oldestOf(const PrefillAttentionParams& p, int32_t query) {
    return p.window > 0 ? max(query - p.window + 1, 0) : 0;
}

}  // namespace spanscope::cuda
