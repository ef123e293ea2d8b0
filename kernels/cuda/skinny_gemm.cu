// Layouts and launches. Kernel: skinny_gemm.cuh.
#include "kernels/cuda/skinny_gemm.cuh"

#include <algorithm>

namespace spanscope::cuda {
namespace {

constexpr int32_t kStatics = 2048;  // more than the kernel declares and the driver reserves

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

template <class W, int kXTiles, int kDepth>
cudaError_t launchOf(const LaunchContext& ctx, const SkinnyPlan& plan, SkinnyParams p) {
    const auto kernel = skinnyKernel<W, kXTiles, kDepth>;
    const unsigned cluster = static_cast<unsigned>(plan.cluster), nThreads = kSkinnyWarps * 32;
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = cluster;
    attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    config.gridDim = dim3(cluster);
    config.blockDim = dim3(nThreads);
    config.dynamicSmemBytes = plan.sharedBytes;
    config.attrs = &attribute;
    config.numAttrs = 1;
    int nActive = 0;  // clusters that run at once
    const cudaError_t status = cudaOccupancyMaxActiveClusters(&nActive, kernel, &config);
    if (status != cudaSuccess) return status;
    const int32_t nTiles = (p.nPairs + kSkinnyPairs - 1) / kSkinnyPairs;
    const int32_t nTeams = kSkinnyWarps / plan.team;
    const unsigned nClusters = static_cast<unsigned>(std::clamp((nTiles + nTeams - 1) / nTeams, 1, std::max(1, nActive)));
    p.team = plan.team;
    p.ahead.shareOut(static_cast<int64_t>(nClusters * cluster));
    return launch(ctx, kernel, dim3(nClusters * cluster), dim3(nThreads), plan.sharedBytes, p, cluster);
}

template <class W>
cudaError_t prepareOf(int most) {
    for (int32_t m : {8, 16, 24, 32}) {
        const cudaError_t status = withXTiles(m, [&](auto i) {
            constexpr int n = decltype(i)::value;
            const auto raise = [&](auto kernel) { return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most); };
            const cudaError_t raised = raise(skinnyKernel<W, n, 4>);
            return raised == cudaSuccess ? raise(skinnyKernel<W, n, 8>) : raised;
        });
        if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
}

int32_t chunksPerRank(int32_t k, int32_t cluster) { return (k / kSkinnyChunk + cluster - 1) / cluster; }

}  // namespace

SkinnyPlan layoutSkinny(const LaunchContext& ctx, int32_t m, int32_t k, int32_t cluster, int32_t team, int32_t depth) {
    const int32_t nXTiles = xTilesOf(m);
    if (!ctx.copyEngine || nXTiles == 0 || k % kSkinnyChunk != 0) return {};
    const int32_t bytes = skinnyXBytes(nXTiles, chunksPerRank(k, cluster)) + skinnySumBytes(nXTiles) + kSkinnyWarps * depth * 1024;
    if (bytes > ctx.sharedPerBlock - kStatics) return {};
    return {cluster, team, depth, static_cast<size_t>(bytes)};
}

SkinnyPlan planSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, int32_t m) {
    if (matrix.format != MatrixFormat::Plain || type == Element::F32) return {};
    // The smallest cluster whose blocks hold x, and about eight warps in all for a tile.
    for (const int32_t cluster : {1, 2, 4, 8}) {
        for (const int32_t depth : {8, 4}) {
            const SkinnyPlan plan = layoutSkinny(ctx, m, matrix.cols, cluster, std::max(2, 8 / cluster), depth);
            if (plan.cluster > 0) return plan;
        }
    }
    return {};
}

cudaError_t launchSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, Element type, const SkinnyPlan& plan, SkinnyParams params) {
    if (plan.cluster == 0 || matrix.format != MatrixFormat::Plain || type == Element::F32) return cudaErrorInvalidValue;
    params.take(matrix);
    params.chunksPerRank = chunksPerRank(matrix.cols, plan.cluster);
    return withXTiles(params.m, [&](auto i) {
        constexpr int kXTiles = decltype(i)::value;
        const auto go = [&](auto depth) {
            constexpr int kDepth = decltype(depth)::value;
            return type == Element::F16 ? launchOf<Half, kXTiles, kDepth>(ctx, plan, params) : launchOf<Bf16, kXTiles, kDepth>(ctx, plan, params);
        };
        return plan.depth == 4 ? go(Index<4>()) : go(Index<8>());
    });
}

cudaError_t prepareSkinny(const LaunchContext& ctx) {
    if (!ctx.copyEngine) return cudaSuccess;
    const int most = ctx.sharedPerBlock - kStatics;
    const cudaError_t status = prepareOf<Half>(most);
    return status == cudaSuccess ? prepareOf<Bf16>(most) : status;
}

}  // namespace spanscope::cuda
