// Skinny GEMM: matrix times 2 to 32 rows of x (decode steps of so many rows) on tensor cores, for compute
// capability 9.0 and 16-bit weights. Every weight is read once. Epilogues are fused as in gemv.h, but x is 16 bits wide
// and already normalised. Above 32 rows x is most of what a block has to move, and cuBLASLt was faster for every matrix
// measured.
#pragma once

#include "kernels/cuda/matrix/product.h"

namespace spanscope::cuda {

inline constexpr int32_t kSkinnyMaxRows = 32;

/// w, nRows, k, nPairs and what follows are set by the launcher.
struct SkinnyParams : ProductParams {  // m: up to kSkinnyMaxRows; k: multiple of 32
    const void* x = nullptr;           ///< (m, k) in W's type, rows aligned to 16 bytes
    int32_t warpsPerTile = 0;          ///< as in SkinnyPlan
    int32_t chunksPerRank = 0;         ///< columns of one block of a cluster, in chunks of 32
};

/// How a product is split along its columns: over the blocks of a cluster, and in a block over warps (sliced-K).
struct SkinnyPlan {
    int32_t cluster = 0;       ///< blocks; 0: the kernel does not take the product
    int32_t warpsPerTile = 0;  ///< of a block, which has 16
    int32_t nStages = 0;       ///< of a thread's ring
    size_t sharedBytes = 0;
};

/// The plan with clusters of 1 to 8 blocks, 1 to 16 warps per tile (powers of two) and 4 or 8 stages; cluster 0 where
/// it does not fit.
SkinnyPlan layoutSkinny(const LaunchContext& ctx, int32_t m, int32_t k, int32_t cluster, int32_t warpsPerTile,
                        int32_t nStages);
/// The best plan for a matrix in `type` and m rows of x.
SkinnyPlan planSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, int32_t m);
/// Can one such cluster be resident? (Not where the device has too few multiprocessors in one group.)
bool canLaunchSkinny(const SkinnyPlan& plan, Element type, int32_t m);
/// InvalidValue for a plan that does not take the product, or whose clusters cannot be resident.
cudaError_t launchSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, const SkinnyPlan& plan,
                         SkinnyParams params);
/// Raises the shared memory limits of the kernels; once per process and device.
cudaError_t prepareSkinny(const LaunchContext& ctx);

}  // namespace spanscope::cuda
