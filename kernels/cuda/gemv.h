// Matrix times a few vectors, for decode steps of one, two or four rows: every weight is read once, at the speed of memory.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix.h"

namespace spanscope::cuda {

enum class GemvRole : int32_t {
    Plain,     ///< y = W x (+ bias)
    Residual,  ///< y += W x (+ bias)
    SiluMul,   ///< W = gate rows, then up rows: y[i] = silu(gate_i x) * (up_i x)
    Qkv,       ///< W = q, k, v rows: q rotated into y, k rotated and v into the current KV page
};

inline constexpr int kGemvMaxRows = 4;

struct GemvParams {
    GemvRole role = GemvRole::Plain;
    const void* w = nullptr;      ///< (nRows, k) as DeviceMatrix::data
    const uint16_t* scales = nullptr;
    const float* bias = nullptr;  ///< (nRows) or absent
    const float* x = nullptr;     ///< (m, k)
    const float* gain = nullptr;  ///< (k): x is RMS-normalised with this gain first; absent: x as it is
    float eps = 0.f;
    float* y = nullptr;           ///< (m, yStride)
    int32_t yStride = 0;
    int32_t m = 0;                ///< 1, 2 or 4
    int32_t k = 0;                ///< multiple of 8
    int32_t nRows = 0;
    int32_t nPairs = 0;           ///< set by the launcher: rows are done two at a time
    int32_t stageX = 0;           ///< set by the launcher: x goes through shared memory
    int32_t nStages = 0;          ///< set by the launcher: tiles of a warp's ring; 0: weights come into registers
    WeightsAhead ahead;           ///< what the next kernel reads
    // Qkv only
    const BatchRow* rows = nullptr;       ///< (m)
    const float2* rotation = nullptr;     ///< (m, headDim/2)
    void* kv = nullptr;                   ///< the layer's pool
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    int32_t interleaved = 0;
};

/// False where shared memory cannot hold what the launch would need: the caller takes the GEMM path.
bool gemvFits(const LaunchContext& ctx, MatrixFormat format, int32_t m, int32_t k, bool normalised);
/// Tiles that a warp of gemv_ring.cuh would have with the context's shared memory; 0: it does not take such a product.
/// launchGemv() takes it where all of the multiprocessor's memory is asked for as shared (kSharedAll).
int32_t gemvRingStages(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k);
/// Does such a product do well where all memory is shared: by ring, or with x staged by two blocks beside each other.
bool gemvTakesAllShared(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k);
/// params.w, scales, nRows and k are the matrix's. plain: element type of a Plain matrix. InvalidValue for sizes that do
/// not fit.
cudaError_t launchGemv(const LaunchContext& ctx, const DeviceMatrix& matrix, Element plain, GemvParams params);
/// Raises the shared memory limits of the kernels; once per process and device.
cudaError_t prepareGemv(const LaunchContext& ctx);

// The kernels for blocks, which launchGemv() takes where a matrix is not Plain.
bool gemvQuantFits(const LaunchContext& ctx, int32_t m, int32_t k);
cudaError_t prepareGemvQuant(const LaunchContext& ctx);
cudaError_t launchGemvQuant(const LaunchContext& ctx, MatrixFormat format, GemvParams params);

}  // namespace spanscope::cuda
