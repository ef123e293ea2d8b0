// Plans and launches. Kernel: skinny_gemm.cuh.
#include "kernels/cuda/matrix/skinny_gemm.cuh"

#include <algorithm>

namespace spanscope::cuda {
namespace {

constexpr int32_t kStaticShared = 2048;  // more than the kernel declares and the driver reserves

/// fn(Index<n>) for n tiles of 8 rows of x.
template <class Fn>
cudaError_t withXTiles(int32_t m, const Fn& fn) {
    switch ((m + 7) / 8) {
        case 1: return fn(Index<1>());
        case 2: return fn(Index<2>());
        case 3: return fn(Index<3>());
        case 4: return fn(Index<4>());
        default: return cudaErrorInvalidValue;
    }
}
int32_t xTilesOf(int32_t m) {
    int32_t n = 0;
    (void)withXTiles(m, [&](auto i) { return n = decltype(i)::value, cudaSuccess; });
    return n;
}

template <class W, int kXTiles, int kStages>
int32_t residentClusters(const SkinnyPlan& plan) {
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = static_cast<unsigned>(plan.cluster);
    attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    config.gridDim = dim3(static_cast<unsigned>(plan.cluster));
    config.blockDim = dim3(kSkinnyWarps * 32);
    config.dynamicSmemBytes = plan.sharedBytes;
    config.attrs = &attribute;
    config.numAttrs = 1;
    int nResident = 0;
    if (cudaOccupancyMaxActiveClusters(&nResident, skinnyKernel<W, kXTiles, kStages>, &config) == cudaSuccess)
        return nResident;
    (void)cudaGetLastError();  // not sticky: the next call must not see it
    return 0;
}

template <class W, int kXTiles, int kStages>
cudaError_t launchOf(const LaunchContext& ctx, const SkinnyPlan& plan, SkinnyParams p) {
    const int32_t nResident = residentClusters<W, kXTiles, kStages>(plan);
    if (nResident == 0) return cudaErrorInvalidValue;
    const int32_t nTiles = (p.nPairs + kSkinnyPairs - 1) / kSkinnyPairs,
                  tilesPerBlock = kSkinnyWarps / plan.warpsPerTile;
    const int32_t nClusters = std::min(nResident, (nTiles + tilesPerBlock - 1) / tilesPerBlock);
    const unsigned nBlocks = static_cast<unsigned>(nClusters * plan.cluster);
    p.warpsPerTile = plan.warpsPerTile;
    p.prefetch.splitOver(nBlocks);
    return launch(ctx, skinnyKernel<W, kXTiles, kStages>, dim3(nBlocks), dim3(kSkinnyWarps * 32), plan.sharedBytes, p,
                  static_cast<unsigned>(plan.cluster));
}

/// fn(a value of the weight type, Index<tiles of x>, Index<stages>) of the kernel for such a product.
template <class Fn>
cudaError_t withKernel(Element type, int32_t m, int32_t nStages, const Fn& fn) {
    return withXTiles(m, [&](auto n) {
        const auto go = [&](auto stages) {
            return type == Element::F16 ? fn(Half(), n, stages) : fn(Bf16(), n, stages);
        };
        return nStages == 4 ? go(Index<4>()) : go(Index<8>());
    });
}

template <class W>
cudaError_t prepareOf(int most) {
    for (int32_t m : {8, 16, 24, 32}) {
        const cudaError_t status = withXTiles(m, [&](auto i) {
            constexpr int n = decltype(i)::value;
            const auto raise = [&](auto kernel) {
                return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most);
            };
            const cudaError_t raised = raise(skinnyKernel<W, n, 4>);
            return raised == cudaSuccess ? raise(skinnyKernel<W, n, 8>) : raised;
        });
        if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
}

int32_t chunksPerRank(int32_t k, int32_t cluster) { return (k / kSkinnyChunk + cluster - 1) / cluster; }

}  // namespace

SkinnyPlan layoutSkinny(const LaunchContext& ctx, int32_t m, int32_t k, int32_t cluster, int32_t warpsPerTile,
                        int32_t nStages) {
    const int32_t nXTiles = xTilesOf(m);
    if (!ctx.bulkCopies || nXTiles == 0 || k % kSkinnyChunk != 0) return {};
    const int32_t bytes =
        skinnyXBytes(nXTiles, chunksPerRank(k, cluster)) + skinnySumBytes(nXTiles) + kSkinnyWarps * nStages * 1024;
    if (bytes > ctx.sharedPerBlock - kStaticShared) return {};
    return {cluster, warpsPerTile, nStages, static_cast<size_t>(bytes)};
}

SkinnyPlan planSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, int32_t m) {
    if (matrix.format != MatrixFormat::Plain || type == Element::F32) return {};
    // The smallest cluster whose blocks hold x, and about eight warps in all for a tile.
    for (const int32_t cluster : {1, 2, 4, 8}) {
        for (const int32_t nStages : {8, 4}) {
            const SkinnyPlan plan = layoutSkinny(ctx, m, matrix.cols, cluster, std::max(2, 8 / cluster), nStages);
            if (plan.cluster > 0) return plan;
        }
    }
    return {};
}

bool canLaunchSkinny(const SkinnyPlan& plan, Element type, int32_t m) {
    if (plan.cluster == 0) return false;
    int32_t nResident = 0;
    (void)withKernel(type, m, plan.nStages, [&](auto w, auto n, auto stages) {
        nResident = residentClusters<decltype(w), decltype(n)::value, decltype(stages)::value>(plan);
        return cudaSuccess;
    });
    return nResident > 0;
}

cudaError_t launchSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, const SkinnyPlan& plan,
                         SkinnyParams params) {
    if (plan.cluster == 0 || matrix.format != MatrixFormat::Plain || type == Element::F32) return cudaErrorInvalidValue;
    params.setMatrix(matrix);
    params.chunksPerRank = chunksPerRank(matrix.cols, plan.cluster);
    return withKernel(type, params.m, plan.nStages, [&](auto w, auto n, auto stages) {
        return launchOf<decltype(w), decltype(n)::value, decltype(stages)::value>(ctx, plan, params);
    });
}

cudaError_t prepareSkinny(const LaunchContext& ctx) {
    if (!ctx.bulkCopies) return cudaSuccess;
    const int most = ctx.sharedPerBlock - kStaticShared;
    const cudaError_t status = prepareOf<Half>(most);
    return status == cudaSuccess ? prepareOf<Bf16>(most) : status;
}

}  // namespace spanscope::cuda
