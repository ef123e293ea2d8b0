// How the pages of a decode step are shared out over the attention grid, the same on host and device.
//
// All page visits of a layer lie on one line: rows in order, in a row its tasks (KV head x group of query heads) in
// order, in a task its kept pages in order. Block c takes chunk c of them, all of one size. So few long lists are cut
// finely, many short ones are bundled, and every block has equal work whatever the lists look like.
// Multiprocessors are not equally fast, so a long line keeps a few per cent back at its end, in small chunks that whoever
// is done first takes.
// A task cut by a chunk border leaves partial results: at most two per chunk, the one its range starts with (slot 0)
// and the one it ends with (slot 1).
#pragma once

#include <cstdint>

#include "kernels/visibility.h"

namespace spanscope::cuda {

struct SplitPlan {
    int32_t nVisits = 0;
    int32_t chunk = 1;      ///< visits of chunks [0, nBody)
    int32_t nBody = 1;
    int32_t tailChunk = 1;  ///< visits of chunks [nBody, nChunks), the last may have fewer
    int32_t nChunks = 1;    ///< chunks that have visits
};

/// How much is kept back, and how finely.
struct TailShare {
    int32_t percent = 0;      ///< of all visits; 0 = nothing
    int32_t perBlock = 8;     ///< at most so many tail chunks per block
    int32_t smallest = 8;     ///< visits of a tail chunk at least
    int32_t fromVisits = 64;  ///< per block; shorter lines keep nothing back
};

/// nBlocks: blocks of the grid. minPages: visits below which cutting finer costs more in merging than it gains.
SPANSCOPE_HD inline SplitPlan makeSplitPlan(int32_t nVisits, int32_t nBlocks, int32_t minPages, const TailShare& tail = {}) {
    SplitPlan plan;
    plan.nVisits = nVisits;
    plan.chunk = (nVisits + nBlocks - 1) / nBlocks;
    if (tail.percent > 0 && nVisits / nBlocks >= tail.fromVisits) {
        plan.chunk = static_cast<int32_t>(static_cast<int64_t>(nVisits) * (100 - tail.percent) / 100 / nBlocks);
        plan.nBody = nBlocks;
        const int32_t left = nVisits - plan.chunk * nBlocks, most = nBlocks * tail.perBlock;
        plan.tailChunk = (left + most - 1) / most;
        if (plan.tailChunk < tail.smallest) plan.tailChunk = tail.smallest;
        plan.nChunks = nBlocks + (left + plan.tailChunk - 1) / plan.tailChunk;
        return plan;
    }
    if (plan.chunk < minPages) plan.chunk = minPages;
    if (plan.chunk < 16) plan.chunk = (plan.chunk + 3) / 4 * 4;  // whole rounds of the block's warps
    plan.nBody = plan.nChunks = (nVisits + plan.chunk - 1) / plan.chunk;
    return plan;
}

SPANSCOPE_HD inline int32_t chunkOf(const SplitPlan& plan, int32_t visit) {
    const int32_t body = plan.nBody * plan.chunk;
    return visit < body ? visit / plan.chunk : plan.nBody + (visit - body) / plan.tailChunk;
}
SPANSCOPE_HD inline int32_t chunkBegin(const SplitPlan& plan, int32_t c) {
    return c <= plan.nBody ? c * plan.chunk : plan.nBody * plan.chunk + (c - plan.nBody) * plan.tailChunk;
}
SPANSCOPE_HD inline int32_t chunkEnd(const SplitPlan& plan, int32_t c) {
    const int32_t end = chunkBegin(plan, c + 1);
    return end < plan.nVisits ? end : plan.nVisits;
}

/// Chunks that visit [begin, end), end > begin: first and last, inclusive.
SPANSCOPE_HD inline int32_t firstChunk(const SplitPlan& plan, int32_t begin) { return chunkOf(plan, begin); }
SPANSCOPE_HD inline int32_t lastChunk(const SplitPlan& plan, int32_t end) { return chunkOf(plan, end - 1); }

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
