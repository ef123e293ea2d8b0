// Decode attention over interval lists on a paged KV cache. Dense is the same kernel with one interval.
#pragma once

#include "kernels/cuda/attention/span_kernel.h"
#include "kernels/cuda/device.h"

namespace spanscope::cuda {

/// What one block has to do, as far as it is known before a layer runs: its chunk of all page visits, and the first run
/// of pages in it: [first, last) of one task. The same for all layers, so a step computes it once (span_schedule.cuh).
struct BlockWork {
    SplitPlan plan;                ///< not of a cluster
    int32_t at, end;               ///< stream-K: visits of the chunk; split-K: at < end where there is work
    int32_t row, index, nPages;    ///< of the task; index: among its row's tasks
    int32_t kvHead, skip, nGroup;  ///< first of its heads among those of the KV head (HeadGroups), how many
    int32_t nQueries;              ///< of the row
    int32_t currentPage;           ///< that the step's own token goes to: an earlier kernel of the layer writes it
    int32_t begin;                 ///< stream-K: first visit of the task; split-K: -1
    int32_t firstChunk, nSplits;   ///< chunks that the task is split over
    int32_t first, last;
    const KeptPage* kept;
    KeptPage firstPages[2 * kClusterWarps];  ///< the first and second page of warp w: at w and nWarps + w
};

/// What a step's schedule depends on, beside its rows.
struct SpanSchedule {
    BlockWork* work = nullptr;  ///< out (nLists, workStride), nBlocks of each; absent: no schedule is made
    int32_t nLists = 1;         ///< kinds of list: the whole one, and its part in each window
    int32_t workStride = 0;
    int32_t* rowsArrived = nullptr;  ///< one counter; zero before the first step and after each
    int32_t nKvHeads = 0, headsPerKv = 1, nQueries = 1, minPages = 0;
    int32_t nBlocks = 0, cluster = 0;  ///< as in SpanLaunch
};

struct SpanAttentionParams {
    const BatchRow* rows = nullptr;  ///< (nRows), as plan_step left them
    int32_t nRows = 0;               ///< at most kMaxBatch
    const float* q = nullptr;        ///< (nRows, nHeads, headDim), rotated
    const void* kv = nullptr;        ///< the layer's pool: [page][kv head][K, V][16][headDim]
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    int32_t nQueries = 1;  ///< no row has more (BatchRow::nQueries); a task serves the heads of as many
    float scale = 0.f;     ///< of query . key
    float softcap = 0.f;   ///< c tanh(score / c) before softmax; 0: none
    void* out = nullptr;   ///< (nRows, nHeads, headDim) in outType; idle rows are not written
    Element outType = Element::F32;
    int32_t minPages = 4;  ///< see makeSplitPlan
    SpanKernel kernel = SpanKernel::Auto;
    BlockWork* work = nullptr;  ///< one per block, as many as spanAttentionScratch() says
    // Scratch, sizes from spanAttentionScratch(). The counters are zero before the first launch and after each.
    float* partialO = nullptr;
    float2* partialMl = nullptr;     ///< maximum and sum of exponentials
    int32_t* arrived = nullptr;      ///< per task: splits that are done
    int32_t* rowsArrived = nullptr;  ///< for SpanSchedule
    WeightPrefetch prefetch;         ///< what the next kernel reads
    int32_t nStages = 0;             ///< of a warp's ring; set by the launcher
    int32_t headsPerKv = 1;          ///< query heads; set by the launcher
    float scaleLog2 = 0.f;           ///< scores times this are in base 2; set by the launcher
    float capScale = 0.f;            ///< with a soft cap, scores become tanh(score * capScale) first; by the launcher
};

struct SpanAttentionScratch {
    size_t partialOBytes = 0, partialMlBytes = 0, arrivedBytes = 0, workBytes = 0;
};
/// For launches of up to maxRows rows, each with up to maxQueries queries.
SpanAttentionScratch spanAttentionScratch(int32_t nSm, int32_t maxRows, int32_t maxQueries, int32_t nHeads,
                                          int32_t nKvHeads, int32_t headDim);
/// False for head sizes no kernel takes (above 256 or not a multiple of 8).
bool spanAttentionTakes(int32_t headDim);
/// Once per process and device, before the first launch: raises the kernels' limits of shared memory.
cudaError_t prepareSpanAttention(const LaunchContext& ctx);
/// What launchSpanAttention() does with these params.
SpanLaunch spanLaunch(const LaunchContext& ctx, const SpanAttentionParams& params);
/// What plan_step needs to fill params.work. The params of launchSpanAttention() may then differ in q, kv, out and
/// prefetch only, and in rows and work together, for another list of SpanSchedule. With dependent launches another
/// kernel has to come between, since blocks read their work before they synchronise with the kernel before them.
SpanSchedule spanSchedule(const LaunchContext& ctx, const SpanAttentionParams& params);
/// Fills params.work for rows that are on the device already.
cudaError_t launchSpanSchedule(const LaunchContext& ctx, const SpanAttentionParams& params);
/// InvalidValue for head sizes or numbers of rows that no kernel takes.
cudaError_t launchSpanAttention(const LaunchContext& ctx, const SpanAttentionParams& params);

}  // namespace spanscope::cuda
