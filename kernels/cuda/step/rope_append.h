// What follows the product that forms q, k and v, where its epilogue (matrix/product.h) does not do it: bias, RMSNorm
// of queries and keys (QK-norm), rotation, and the append to the KV cache.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

/// Where row i's token is stored: of a decode step (batchRows) or of a prefill chunk (one sequence, from position0).
struct RopeAppendParams {
    const void* qkv = nullptr;  ///< (rows, (nHeads + 2 nKvHeads) headDim) in inType
    Element inType = Element::F32;
    const float* bias = nullptr;  ///< ((nHeads + 2 nKvHeads) headDim) or absent
    /// Gains of QK-norm, or both absent: (headDim) each, or with wholeRow (nHeads headDim) and (nKvHeads headDim).
    const float *qNorm = nullptr, *kNorm = nullptr;
    int32_t wholeRow = 0;
    float eps = 0.f;                   ///< of QK-norm
    const float2* rotation = nullptr;  ///< (rows, headDim/2); not read where nRotated is 0
    int32_t nRotated = 0;              ///< pairs of a head that rotate, up to headDim/2; the values behind them stay
    void* q = nullptr;                 ///< (rows, nHeads, headDim) in qType
    Element qType = Element::F32;
    void* kv = nullptr;  ///< the layer's pool
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0, interleaved = 0;  ///< headDim: even, with QK-norm at most 256
    const BatchRow* batchRows = nullptr;
    const int32_t* table = nullptr;
    int32_t position0 = 0;
    WeightPrefetch prefetch;  ///< what the kernel after attention reads; a decode step's
};
cudaError_t launchRopeAppend(const LaunchContext& ctx, RopeAppendParams params, int32_t nRows);

}  // namespace spanscope::cuda
