// How the pages of a decode step are shared out over the attention grid, the same on host and device.
//
// A task is what one block could do alone: a row's kept pages for one KV head and a group of query heads. Two ways:
//
// Parts: every block has one task or one part of one. A row's tasks are cut into as many parts as their share of all
// visits is of the grid. Taken where there is a block for every part and none has much more than the mean: a few blocks
// may stay idle, but nobody has to begin a second task, which costs a block as much as some 16 pages.
//
// The line: all page visits of a layer lie on one line: rows in order, in a row its tasks in order, in a task its kept
// pages in order. Block c takes chunk c of them, all of one size. So many short lists are bundled and every block has
// equal work whatever the lists look like.
// A task cut by a chunk border leaves partial results: at most two per chunk, the one its range starts with (slot 0)
// and the one it ends with (slot 1).
#pragma once

#include <cstdint>

#include "kernels/visibility.h"

namespace spanscope::cuda {

struct SplitPlan {  // without initialisers: it lies in shared memory
    int32_t nVisits;
    int32_t nBlocks;
    int32_t minPages;
    int32_t chunk;    ///< the line: visits of a chunk; the last may have fewer
    int32_t nChunks;  ///< that have visits
    int32_t parts;    ///< not 0: by parts, chunk c is part c of all rows' tasks
};

SPANSCOPE_HD inline int32_t ceilDivide(int32_t a, int32_t b) { return (a + b - 1) / b; }
SPANSCOPE_HD inline int32_t wholeRounds(int32_t nPages) {
    return nPages < 16 ? (nPages + 3) / 4 * 4 : nPages;
}  ///< of four warps

/// The line. nBlocks: blocks of the grid. minPages: visits below which cutting finer costs more in merging than it
/// gains.
SPANSCOPE_HD inline SplitPlan makeSplitPlan(int32_t nVisits, int32_t nBlocks, int32_t minPages) {
    SplitPlan plan{};
    plan.nVisits = nVisits;
    plan.nBlocks = nBlocks;
    plan.minPages = minPages;
    plan.chunk = ceilDivide(nVisits, nBlocks);
    plan.chunk = wholeRounds(plan.chunk < minPages ? minPages : plan.chunk);
    plan.nChunks = ceilDivide(nVisits, plan.chunk);
    return plan;
}

/// How the tasks of a row with nPages kept pages are cut.
struct RowShare {
    int32_t nParts = 0, chunk = 1;  ///< parts of a task, pages of a part
};
SPANSCOPE_HD inline RowShare shareOfRow(const SplitPlan& plan, int32_t nPages) {
    RowShare share;
    if (nPages == 0) return share;
    // 32 bits: up to 64 million tokens in a row on a grid of 1,024 blocks
    const int32_t fair = static_cast<int32_t>(static_cast<uint32_t>(nPages) * static_cast<uint32_t>(plan.nBlocks) /
                                              static_cast<uint32_t>(plan.nVisits));
    share.chunk = ceilDivide(nPages, fair < 1 ? 1 : fair);
    share.chunk = wholeRounds(share.chunk < plan.minPages ? plan.minPages : share.chunk);
    share.nParts = ceilDivide(nPages, share.chunk);
    return share;
}
inline constexpr int32_t kSegmentPages = 16;  ///< what a second segment costs a block
/// nParts, longest: sum over all tasks, and most, of what shareOfRow() says. True: the plan is by parts now.
SPANSCOPE_HD inline bool takeParts(SplitPlan& plan, int32_t nParts, int32_t longest) {
    if (nParts > plan.nBlocks || longest > plan.chunk + kSegmentPages) return false;
    plan.parts = 1;
    plan.nChunks = nParts;
    return true;
}
SPANSCOPE_HD inline int32_t chunkBegin(const SplitPlan& plan, int32_t c) { return c * plan.chunk; }
SPANSCOPE_HD inline int32_t chunkEnd(const SplitPlan& plan, int32_t c) {
    const int32_t end = (c + 1) * plan.chunk;
    return end < plan.nVisits ? end : plan.nVisits;
}

/// Chunk of the line that visits `visit`.
SPANSCOPE_HD inline int32_t chunkOf(const SplitPlan& plan, int32_t visit) { return visit / plan.chunk; }

/// The first page at or after `first` of a task that begins at visit `taskBegin` that is `warp`'s of four, who take
/// turns.
SPANSCOPE_HD inline int32_t firstPageOf(int32_t taskBegin, int32_t first, int32_t warp) {
    return first + ((warp - (taskBegin + first)) & 3);
}

/// Slot in which chunk `c` leaves its part of the task that starts at visit `taskBegin` of the line; -1: by parts.
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
