// How the page visits of a decode step are split over the attention grid; the same on host and device.
//
// A task is one output tile: a row's kept pages for one KV head and a group of query heads. It is what one block could
// do alone. Two ways to split tasks over a fixed grid:
//
// Split-K (as Flash-Decoding): every block has one task or one split of one. A row's tasks are cut into as many splits
// as the row's share of all page visits is of the grid. Taken where there is a block for every split and none is much
// longer than the mean: a few blocks may stay idle, but no block begins a second task, which costs it as much as some
// 16 pages.
//
// Stream-K (arXiv 2301.03598): all page visits of a layer form one sequence: rows in order, in a row its tasks, in a
// task its kept pages. Block c takes chunk c of it, and all chunks have one size. So many short lists are bundled, and
// every block has equal work whatever the lists look like. A task cut by a chunk border leaves partial results: at most
// two per chunk, of the task its chunk begins in (slot 0) and of the one it ends in (slot 1).
#pragma once

#include <cstdint>

#include "kernels/visibility.h"

namespace spanscope::cuda {

struct SplitPlan {  // without initialisers: it lies in shared memory
    int32_t nVisits;
    int32_t nBlocks;
    int32_t minPages;
    int32_t chunk;    ///< stream-K: visits of a chunk; the last may have fewer
    int32_t nChunks;  ///< that have visits; chunk c is block c's
    int32_t splitK;   ///< 1: split-K, chunk c is split c of all rows' tasks; 0: stream-K
};

SPANSCOPE_HD inline int32_t ceilDivide(int32_t a, int32_t b) { return (a + b - 1) / b; }

inline constexpr int32_t kVisitWarps = 4;  ///< of a block; they take the pages of its chunk in turn
/// Short chunks are rounded up so that every warp has as many pages.
SPANSCOPE_HD inline int32_t wholeRounds(int32_t nPages) {
    return nPages < 4 * kVisitWarps ? ceilDivide(nPages, kVisitWarps) * kVisitWarps : nPages;
}

/// Stream-K over nBlocks blocks. minPages: visits below which cutting finer costs more in merging than it gains.
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

/// How split-K cuts the tasks of one row.
struct RowSplit {
    int32_t nSplits = 0, pages = 1;  ///< splits of a task, pages of a split
};
SPANSCOPE_HD inline RowSplit splitOfRow(const SplitPlan& plan, int32_t nPages) {
    RowSplit split;
    if (nPages == 0) return split;
    // 32 bits: up to 64 million tokens in a row on a grid of 1,024 blocks
    const int32_t fair = static_cast<int32_t>(static_cast<uint32_t>(nPages) * static_cast<uint32_t>(plan.nBlocks) /
                                              static_cast<uint32_t>(plan.nVisits));
    split.pages = ceilDivide(nPages, fair < 1 ? 1 : fair);
    split.pages = wholeRounds(split.pages < plan.minPages ? plan.minPages : split.pages);
    split.nSplits = ceilDivide(nPages, split.pages);
    return split;
}
inline constexpr int32_t kSecondTaskPages = 16;  ///< what a second task costs a block, in page visits
/// nSplits, longest: sum over all tasks, and the longest split, of what splitOfRow() says. True: the plan is split-K
/// now.
SPANSCOPE_HD inline bool trySplitK(SplitPlan& plan, int32_t nSplits, int32_t longest) {
    if (nSplits > plan.nBlocks || longest > plan.chunk + kSecondTaskPages) return false;
    plan.splitK = 1;
    plan.nChunks = nSplits;
    return true;
}

// Stream-K: the visits of chunk c, and the chunk of a visit.
SPANSCOPE_HD inline int32_t chunkBegin(const SplitPlan& plan, int32_t c) { return c * plan.chunk; }
SPANSCOPE_HD inline int32_t chunkEnd(const SplitPlan& plan, int32_t c) {
    const int32_t end = (c + 1) * plan.chunk;
    return end < plan.nVisits ? end : plan.nVisits;
}
SPANSCOPE_HD inline int32_t chunkOf(const SplitPlan& plan, int32_t visit) { return visit / plan.chunk; }

/// The first page at or after `first` that is `warp`'s, of a task that begins at visit `taskBegin`: visit v belongs to
/// warp v modulo kVisitWarps.
SPANSCOPE_HD inline int32_t firstPageOf(int32_t taskBegin, int32_t first, int32_t warp) {
    static_assert((kVisitWarps & (kVisitWarps - 1)) == 0);
    return first + ((warp - (taskBegin + first)) & (kVisitWarps - 1));
}

/// Slot for the partial result that chunk `c` leaves of the task that begins at visit `taskBegin`; split-K: -1.
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
