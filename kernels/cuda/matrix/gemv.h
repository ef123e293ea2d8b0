// GEMV: matrix times one, two or four vectors, for decode steps of so many rows. Every weight is read once, and memory
// bandwidth is the limit.
#pragma once

#include "kernels/cuda/matrix/product.h"

namespace spanscope::cuda {

inline constexpr int kGemvMaxRows = 4;
inline constexpr int kGemvThreads = 256;
inline constexpr int kGemvHeldQuads = 4;  ///< of x that a thread keeps in registers where there is one row

/// w, scales, nRows, k and nPairs are set by the launcher.
struct GemvParams : ProductParams {  // m: 1, 2 or 4; k: multiple of 8
    const uint16_t* scales = nullptr;
    const float* x = nullptr;     ///< (m, k)
    const float* gain = nullptr;  ///< (k): x is RMS-normalised with this gain first; absent: x as it is
    float eps = 0.f;
    /// A product that has yet to join x, as a norm follows it: x + RMSNorm(addend) * addendGain takes the place of x.
    /// Where gemvJoins() only.
    const float* addend = nullptr;      ///< (m, k) or absent
    const float* addendGain = nullptr;  ///< (k)
    float* joined = nullptr;            ///< (m, k), neither x nor addend: that sum, for what follows; absent: not kept
    int32_t stageX = 0;                 ///< set by the launcher: x is staged in shared memory
    int32_t nStages = 0;                ///< set by the launcher: of a warp's ring (gemv_ring.cuh); 0: gemv_kernel.cuh
};

/// False for numbers of rows and sizes that no kernel takes, or where shared memory cannot hold x: the caller takes
/// GEMM.
bool gemvFits(const LaunchContext& ctx, MatrixFormat format, int32_t m, int32_t k, bool normalised);
/// Can the kernel of this product take an addend? One row that fits into a block's registers.
inline bool gemvJoins(int32_t m, int32_t k) { return m == 1 && k <= 4 * kGemvThreads * kGemvHeldQuads; }
/// Stages that a warp's ring (gemv_ring.cuh) has with the context's carveout; 0: that kernel does not take the product.
/// launchGemv() takes it with kCarveoutAll only.
int32_t gemvRingStages(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k);
/// Is kCarveoutAll right for the product? Yes where it goes through rings, or where two blocks with x in shared memory
/// are resident on a multiprocessor; other kernels need L1 for their loads.
bool gemvSuitsFullCarveout(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k);
/// plain: element type of a Plain matrix. InvalidValue where gemvFits() is false.
cudaError_t launchGemv(const LaunchContext& ctx, const DeviceMatrix& matrix, Element plain, GemvParams params);
/// Raises the shared memory limits of the kernels; once per process and device.
cudaError_t prepareGemv(const LaunchContext& ctx);

// The kernels for blocks, which launchGemv() takes where a matrix is not Plain.
bool gemvQuantFits(const LaunchContext& ctx, int32_t m, int32_t k);
cudaError_t prepareGemvQuant(const LaunchContext& ctx);
cudaError_t launchGemvQuant(const LaunchContext& ctx, MatrixFormat format, GemvParams params);

}  // namespace spanscope::cuda
