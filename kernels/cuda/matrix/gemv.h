// Matrix times a few vectors, for decode steps of one, two or four rows: every weight is read once, at the speed of
// memory.
#pragma once

#include "kernels/cuda/matrix/product.h"

namespace spanscope::cuda {

inline constexpr int kGemvMaxRows = 4;

/// w, scales, nRows, k and nPairs are set by the launcher.
struct GemvParams : ProductParams {  // m: 1, 2 or 4; k: multiple of 8
    const uint16_t* scales = nullptr;
    const float* x = nullptr;     ///< (m, k)
    const float* gain = nullptr;  ///< (k): x is RMS-normalised with this gain first; absent: x as it is
    float eps = 0.f;
    int32_t stageX = 0;   ///< set by the launcher: x goes through shared memory
    int32_t nStages = 0;  ///< set by the launcher: tiles of a warp's ring; 0: weights come into registers
};

/// False where shared memory cannot hold what the launch would need: the caller takes the GEMM path.
bool gemvFits(const LaunchContext& ctx, MatrixFormat format, int32_t m, int32_t k, bool normalised);
/// Tiles that a warp of gemv_ring.cuh would have with the context's shared memory; 0: it does not take such a product.
/// launchGemv() takes it where all of the multiprocessor's memory is asked for as shared (kSharedAll).
int32_t gemvRingStages(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k);
/// Does such a product do well where all memory is shared: by ring, or with x staged by two blocks beside each other.
bool gemvTakesAllShared(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k);
/// plain: element type of a Plain matrix. InvalidValue for sizes that do
/// not fit.
cudaError_t launchGemv(const LaunchContext& ctx, const DeviceMatrix& matrix, Element plain, GemvParams params);
/// Raises the shared memory limits of the kernels; once per process and device.
cudaError_t prepareGemv(const LaunchContext& ctx);

// The kernels for blocks, which launchGemv() takes where a matrix is not Plain.
bool gemvQuantFits(const LaunchContext& ctx, int32_t m, int32_t k);
cudaError_t prepareGemvQuant(const LaunchContext& ctx);
cudaError_t launchGemvQuant(const LaunchContext& ctx, MatrixFormat format, GemvParams params);

}  // namespace spanscope::cuda
