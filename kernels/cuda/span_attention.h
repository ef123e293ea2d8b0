// Decode attention over interval lists on a paged KV cache. Dense is the same kernel with one interval.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/split_plan.h"
#include "kernels/cuda/step_types.h"

namespace spanscope::cuda {

/// Which kernel does it. Others than Auto are for tests and measurements; one that does not apply falls back.
enum class SpanKernel : int32_t { Auto, Direct, Ring, Cluster, ClusterDeep };

struct SpanAttentionParams {
    const BatchRow* rows = nullptr;  ///< (nRows), as plan_step left them
    int32_t nRows = 0;               ///< at most kMaxBatch
    const float* q = nullptr;        ///< (nRows, nHeads, headDim), rotated
    const void* kv = nullptr;        ///< the layer's pool: [page][kv head][K, V][16][headDim]
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    float scale = 0.f;               ///< 1 / sqrt(headDim)
    void* out = nullptr;             ///< (nRows, nHeads, headDim) in outType; idle rows are not written
    Element outType = Element::F32;
    int32_t minPages = 4;            ///< see makeSplitPlan
    SpanKernel kernel = SpanKernel::Auto;
    // Scratch, sizes from spanAttentionScratch(); arrived must be zero before the first launch and stays so.
    float* partialO = nullptr;
    float2* partialMl = nullptr;
    int32_t* arrived = nullptr;
    WeightsAhead ahead;              ///< what the next kernel reads
    int32_t nStages = 0;             ///< of a warp's ring; set by the launcher
};

struct SpanAttentionScratch {
    size_t partialOBytes = 0, partialMlBytes = 0, arrivedBytes = 0;
};
SpanAttentionScratch spanAttentionScratch(int32_t nSm, int32_t maxRows, int32_t nHeads, int32_t nKvHeads,
                                          int32_t headDim);
/// False for head sizes no kernel takes (above 256 or not a multiple of 8).
bool spanAttentionTakes(int32_t headDim);
/// Once per process and device, before the first launch: raises limits.
cudaError_t prepareSpanAttention(const LaunchContext& ctx);
cudaError_t launchSpanAttention(const LaunchContext& ctx, const SpanAttentionParams& params);

}  // namespace spanscope::cuda
