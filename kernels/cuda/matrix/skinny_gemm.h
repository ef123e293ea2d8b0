// Matrix times a few rows of x (decode steps of 2 to 32) on tensor cores, for compute capability 9.0 and 16-bit
// weights: every weight is read once. What the product becomes is folded in as in gemv.h, but x is 16 bits wide and
// already normalised. Above 32 rows, x is most of what a block has to move, and cuBLASLt is faster for every matrix
// measured.
#pragma once

#include "kernels/cuda/matrix/product.h"

namespace spanscope::cuda {

inline constexpr int32_t kSkinnyMaxRows = 32;

/// w, nRows, k, nPairs and what follows are set by the launcher.
struct SkinnyParams : ProductParams {  // m: up to kSkinnyMaxRows; k: multiple of 32
    const void* x = nullptr;           ///< (m, k) in W's type, rows aligned to 16 bytes
    int32_t team = 0;                  ///< warps that share the columns of a tile
    int32_t chunksPerRank = 0;         ///< columns that one block of a cluster takes, in chunks of 32
};

/// How a product is laid out: a tile's columns are shared by the blocks of a cluster and the warps of a team.
struct SkinnyPlan {
    int32_t cluster = 0;  ///< blocks; 0: the kernel does not take the product
    int32_t team = 0;     ///< warps
    int32_t depth = 0;    ///< of a thread's ring
    size_t sharedBytes = 0;
};

/// The layout with clusters of 1 to 8 blocks, teams of 1 to 16 warps (powers of two) and rings of 4 or 8; cluster 0
/// where it does not fit.
SkinnyPlan layoutSkinny(const LaunchContext& ctx, int32_t m, int32_t k, int32_t cluster, int32_t team, int32_t depth);
/// The best layout for a matrix of (nRows, k) in `type` and m rows of x.
SkinnyPlan planSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, int32_t m);
/// Does the device run such clusters? (Parts of a device may have too few multiprocessors side by side.)
bool runsSkinny(const SkinnyPlan& plan, Element type, int32_t m);
/// InvalidValue for a plan that does not take the product, or that the device does not run.
cudaError_t launchSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, const SkinnyPlan& plan,
                         SkinnyParams params);
/// Raises the shared memory limits of the kernels; once per process and device.
cudaError_t prepareSkinny(const LaunchContext& ctx);

}  // namespace spanscope::cuda
