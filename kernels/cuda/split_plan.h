// How the pages of a decode step are shared out over the attention grid, the same on host and device.
//
// All page visits of a layer lie on one line: rows in order, in a row its tasks (KV head x group of query heads) in
// order, in a task its kept pages in order. Block c takes chunk c of them, all of one size. So few long lists are cut
// finely, many short ones are bundled, and every block has equal work whatever the lists look like.
// A task cut by a chunk border leaves partial results: at most two per chunk, the one its range starts with (slot 0)
// and the one it ends with (slot 1).
#pragma once

#include <cstdint>

#include "kernels/visibility.h"

namespace spanscope::cuda {

struct SplitPlan {
    int32_t nVisits = 0;
    int32_t chunk = 1;    ///< visits of a chunk; the last may have fewer
    int32_t nChunks = 0;  ///< that have visits
};

/// nBlocks: blocks of the grid. minPages: visits below which cutting finer costs more in merging than it gains.
SPANSCOPE_HD inline SplitPlan makeSplitPlan(int32_t nVisits, int32_t nBlocks, int32_t minPages) {
    SplitPlan plan;
    plan.nVisits = nVisits;
    plan.chunk = (nVisits + nBlocks - 1) / nBlocks;
    if (plan.chunk < minPages) plan.chunk = minPages;
    if (plan.chunk < 16) plan.chunk = (plan.chunk + 3) / 4 * 4;  // whole rounds of the block's four warps
    plan.nChunks = (nVisits + plan.chunk - 1) / plan.chunk;
    return plan;
}

SPANSCOPE_HD inline int32_t chunkBegin(const SplitPlan& plan, int32_t c) { return c * plan.chunk; }
SPANSCOPE_HD inline int32_t chunkEnd(const SplitPlan& plan, int32_t c) {
    const int32_t end = (c + 1) * plan.chunk;
    return end < plan.nVisits ? end : plan.nVisits;
}

/// Chunks that visit [begin, end), end > begin: first and last, inclusive.
SPANSCOPE_HD inline int32_t firstChunk(const SplitPlan& plan, int32_t begin) { return begin / plan.chunk; }
SPANSCOPE_HD inline int32_t lastChunk(const SplitPlan& plan, int32_t end) { return (end - 1) / plan.chunk; }

/// Slot in which chunk `c` leaves its part of the task that starts at visit `taskBegin`.
SPANSCOPE_HD inline int32_t partialSlot(const SplitPlan& plan, int32_t c, int32_t taskBegin) {
    return 2 * c + (taskBegin > chunkBegin(plan, c) ? 1 : 0);
}

/// Rows that decode together share a captured graph; a step runs in the smallest bucket that holds it.
inline constexpr int32_t kBuckets[] = {1, 2, 4, 8, 16, 24, 32, 48, 64};
inline int32_t bucketFor(int32_t nRows) {
    for (int32_t b : kBuckets) {
        if (nRows <= b) return b;
    }
    return 0;
}

}  // namespace spanscope::cuda
