// Decode attention over interval lists on a paged KV cache. Dense is the same kernel with one interval.
#pragma once

#include "kernels/cuda/attention/span_kernel.h"
#include "kernels/cuda/device.h"

namespace spanscope::cuda {

/// What a block of span_attention begins with: the first segment (pages [first, last) of one task) of its share. The
/// same for all layers of a step, so it is worked out once (span_shares.cuh).
struct BlockWork {
    SplitPlan plan;              ///< not of a cluster
    int32_t at, end;             ///< what is left of the share, on the plan's line; by parts: at < end if there is any
    int32_t row, index, nPages;  ///< of the task; index: of its row's tasks
    int32_t kvHead, head, nGroup;
    int32_t currentPage;
    int32_t begin;               ///< first visit on the line; -1: by parts
    int32_t firstChunk, nParts;  ///< chunks that share the task
    int32_t first, last;
    const KeptPage* kept;
    KeptPage early[2 * kClusterWarps];  ///< pages that warp w visits first and second, at w and nWarps + w, where there
                                        ///< are such
};

/// Blocks of a launch, and how many of them a task has to itself; 0: they share out all page visits.
struct SpanGrid {
    int32_t nBlocks = 0, cluster = 0;
};
/// What the records of a step depend on, beside its rows.
struct SpanShares {
    BlockWork* work = nullptr;   ///< absent: there are none to make
    int32_t* arrived = nullptr;  ///< rows that are there; zero before the first step and after each
    int32_t nKvHeads = 0, headsPerKv = 1, minPages = 0;
    SpanGrid grid;
};

struct SpanAttentionParams {
    const BatchRow* rows = nullptr;  ///< (nRows), as plan_step left them
    int32_t nRows = 0;               ///< at most kMaxBatch
    const float* q = nullptr;        ///< (nRows, nHeads, headDim), rotated
    const void* kv = nullptr;        ///< the layer's pool: [page][kv head][K, V][16][headDim]
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    float scale = 0.f;    ///< 1 / sqrt(headDim)
    void* out = nullptr;  ///< (nRows, nHeads, headDim) in outType; idle rows are not written
    Element outType = Element::F32;
    int32_t minPages = 4;  ///< see makeSplitPlan
    SpanKernel kernel = SpanKernel::Auto;
    BlockWork* work = nullptr;  ///< one per block, as many as spanAttentionScratch() says
    // Scratch, sizes from spanAttentionScratch(); arrived must be zero before the first launch and stays so, shared
    // too.
    float* partialO = nullptr;
    float2* partialMl = nullptr;
    int32_t* arrived = nullptr;
    int32_t* shared = nullptr;  ///< one counter, for SpanShares
    WeightsAhead ahead;         ///< what the next kernel reads
    int32_t nStages = 0;        ///< of a warp's ring; set by the launcher
    int32_t headsPerKv = 1;     ///< query heads; set by the launcher
};

struct SpanAttentionScratch {
    size_t partialOBytes = 0, partialMlBytes = 0, arrivedBytes = 0, workBytes = 0;
};
SpanAttentionScratch spanAttentionScratch(int32_t nSm, int32_t maxRows, int32_t nHeads, int32_t nKvHeads,
                                          int32_t headDim);
/// False for head sizes no kernel takes (above 256 or not a multiple of 8).
bool spanAttentionTakes(int32_t headDim);
/// Once per process and device, before the first launch: raises limits.
cudaError_t prepareSpanAttention(const LaunchContext& ctx);
/// What launchSpanAttention() does with these params.
SpanLaunch spanLaunch(const LaunchContext& ctx, const SpanAttentionParams& params);
/// What plan_step needs to fill params.work. launchSpanAttention() is given afterwards what differs from these params
/// in q, kv, out and ahead at most; with overlapped launches another kernel comes between, since blocks read their
/// share before they wait for the previous kernel.
SpanShares spanShares(const LaunchContext& ctx, const SpanAttentionParams& params);
/// Fills params.work for rows that are there already.
cudaError_t launchSpanShares(const LaunchContext& ctx, const SpanAttentionParams& params);
cudaError_t launchSpanAttention(const LaunchContext& ctx, const SpanAttentionParams& params);

}  // namespace spanscope::cuda
