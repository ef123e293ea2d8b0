// The schedule of a step's attention: split_plan.h, worked out into one BlockWork per block. One block does it, once
// per step. Tried and dropped: every block of every layer works out its own, a chain of three dependent reads before
// its first page that cost 1.3 to 2 us a layer.
#pragma once

#include "kernels/cuda/attention/span_attention_common.cuh"
#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {

/// The layer's plan, and where each row starts: stream-K its first visit, split-K its first chunk.
struct LayerPlan {
    SplitPlan plan;
    int32_t start[kMaxBatch + 1];

    /// By one warp.
    __device__ __forceinline__ void build(const SpanSchedule& s, const BatchRow* rows, int32_t nRows,
                                          int32_t nTasksPerRow, int lane) {
        static_assert(kMaxBatch == 64);  // two rows per lane
        const int32_t n0 = 2 * lane < nRows ? __ldcg(&rows[2 * lane].nKept) : 0;
        const int32_t n1 = 2 * lane + 1 < nRows ? __ldcg(&rows[2 * lane + 1].nKept) : 0;
        const auto sum = [](int32_t v) { return __reduce_add_sync(0xffffffffu, v); };
        const auto most = [](int32_t v) { return __reduce_max_sync(0xffffffffu, v); };
        SplitPlan made = makeSplitPlan(sum(n0 + n1) * nTasksPerRow, s.nBlocks, s.minPages);
        int32_t units0 = n0, units1 = n1;  // of a task: visits
        if (made.nVisits > 0) {
            const RowSplit s0 = splitOfRow(made, n0), s1 = splitOfRow(made, n1);
            if (trySplitK(made, sum(s0.nSplits + s1.nSplits) * nTasksPerRow, most(max(s0.pages, s1.pages))))
                units0 = s0.nSplits, units1 = s1.nSplits;  // chunks
        }
        units0 *= nTasksPerRow, units1 *= nTasksPerRow;
        int32_t scan = units0 + units1;
#pragma unroll
        for (int o = 1; o < 32; o <<= 1) {
            const int32_t up = __shfl_up_sync(0xffffffffu, scan, o);
            if (lane >= o) scan += up;
        }
        start[2 * lane + 1] = scan - units1;
        start[2 * lane + 2] = scan;
        if (lane == 0) start[0] = 0, plan = made;
    }
};

/// Task `index` of row `row`: heads from the index, pages from the row.
__device__ inline void loadTask(BlockWork& w, const SpanSchedule& s, const BatchRow* rows, int32_t row, int32_t index) {
    const int32_t perKv = s.headsPerKv * s.nQueries;
    setTask(w, perKv, headGroupsOf(perKv), row, index);
    w.nQueries = __ldcg(&rows[row].nQueries);
    w.nPages = __ldcg(&rows[row].nKept);
    w.kept = reinterpret_cast<const KeptPage*>(__ldcg(reinterpret_cast<const unsigned long long*>(&rows[row].kept)));
    w.currentPage = __ldcg(&rows[row].currentPage);
}

/// The first two pages of each of nWarps warps; firstOf(warp): index of the first one. All reads at once.
template <int nWarps, class FirstOf>
__device__ __forceinline__ void loadFirstPages(BlockWork& w, const FirstOf& firstOf) {
#pragma unroll
    for (int i = 0; i < 2 * nWarps; ++i) {
        const int32_t at = firstOf(i % nWarps) + i / nWarps * nWarps;
        if (at >= w.last) continue;
        const unsigned long long page = __ldcg(reinterpret_cast<const unsigned long long*>(w.kept + at));
        w.firstPages[i] = KeptPage{static_cast<int32_t>(page), static_cast<uint32_t>(page >> 32)};
    }
}

/// Of block `c` of all clusters: one run of pages is all it does.
__device__ inline void workInCluster(BlockWork& w, const SpanSchedule& s, const BatchRow* rows, int32_t nTasksPerRow,
                                     int32_t c) {
    const int32_t size = s.cluster, task = c / size, rank = c % size;
    loadTask(w, s, rows, task / nTasksPerRow, task % nTasksPerRow);
    w.first = static_cast<int32_t>(static_cast<int64_t>(w.nPages) * rank / size);
    w.last = static_cast<int32_t>(static_cast<int64_t>(w.nPages) * (rank + 1) / size);
    loadFirstPages<kClusterWarps>(w, [&](int32_t warp) { return w.first + warp; });
}

/// Of the block with chunk `chunk`.
__device__ inline void workOfChunk(BlockWork& w, const SpanSchedule& s, const BatchRow* rows, const LayerPlan& layer,
                                   int32_t chunk) {
    const SplitPlan& plan = layer.plan;
    w.plan = plan;
    if (chunk >= plan.nChunks) return;
    const int32_t unit = plan.splitK ? chunk : chunkBegin(plan, chunk);
    int32_t row = 0;
    while (layer.start[row + 1] <= unit) ++row;
    const int32_t nPages = __ldcg(&rows[row].nKept), offset = unit - layer.start[row];
    if (plan.splitK) {
        const RowSplit split = splitOfRow(plan, nPages);
        const int32_t part = offset % split.nSplits;
        loadTask(w, s, rows, row, offset / split.nSplits);
        w.end = 1;
        w.begin = -1;
        w.firstChunk = chunk - part;
        w.nSplits = split.nSplits;
        w.first = part * split.pages;
        w.last = min(nPages, w.first + split.pages);
    } else {
        loadTask(w, s, rows, row, offset / nPages);
        w.at = unit;
        w.end = chunkEnd(plan, chunk);
        w.begin = layer.start[row] + w.index * nPages;
        w.firstChunk = chunkOf(plan, w.begin);
        w.nSplits = chunkOf(plan, w.begin + nPages - 1) - w.firstChunk + 1;
        w.first = unit - w.begin;
        w.last = min(nPages, w.end - w.begin);
    }
    loadFirstPages<kSpanWarps>(w, [&](int32_t warp) { return firstPageOf(max(w.begin, 0), w.first, warp); });
}

/// rows: (nLists, nRows). By all threads of a block, which has a warp at least for each kind of list. Rows and lists
/// may have been written by other blocks that have fenced them.
__device__ inline void buildSchedule(const SpanSchedule& s, const BatchRow* rows, int32_t nRows) {
    __shared__ LayerPlan sLayer[1 + kMaxWindows];
    const int32_t nTasksPerRow = s.nKvHeads * headGroupsOf(s.headsPerKv * s.nQueries);
    const int32_t warp = threadIdx.x / 32;
    if (warp < s.nLists && s.cluster == 0)
        sLayer[warp].build(s, rows + warp * nRows, nRows, nTasksPerRow, threadIdx.x % 32);
    __syncthreads();
    for (int32_t i = threadIdx.x; i < s.nLists * s.nBlocks; i += blockDim.x) {
        const int32_t list = i / s.nBlocks, c = i % s.nBlocks;
        const BatchRow* rowsOfList = rows + list * nRows;
        BlockWork w{};
        if (s.cluster > 0) workInCluster(w, s, rowsOfList, nTasksPerRow, c);
        else workOfChunk(w, s, rowsOfList, sLayer[list], c);
        s.work[static_cast<size_t>(list) * s.workStride + c] = w;
    }
}

}  // namespace spanscope::cuda
