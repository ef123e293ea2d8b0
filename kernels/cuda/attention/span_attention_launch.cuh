// Which kernel a launch takes, and with how much shared memory. Instantiated in span_attention_{f32,f16,bf16}.cu, one
// file per KV type so that they compile side by side.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "kernels/cuda/attention/span_attention_cluster.cuh"
#include "kernels/cuda/attention/span_attention_direct.cuh"

namespace spanscope::cuda {

/// Heads whose sums a block keeps, and tasks of a launch: HeadGroups, for the host.
inline int32_t headsOfGroup(const SpanAttentionParams& p) {
    const int32_t perKv = p.nHeads / p.nKvHeads;
    return perKv < kHeadsPerBlock ? perKv : kHeadsPerBlock;
}
inline int32_t tasksOf(int32_t nRows, int32_t nHeads, int32_t nKvHeads) {
    return nRows * nKvHeads * headGroupsOf(nHeads / nKvHeads);
}

template <class Engine>
int32_t directBlocks(const LaunchContext& ctx) {
    return ctx.nSm * Engine::kBlocksPerSm;
}

template <class Engine>
cudaError_t launchDirect(const LaunchContext& ctx, SpanAttentionParams params) {
    const int32_t nBlocks = directBlocks<Engine>(ctx);
    params.ahead.shareOut(nBlocks);
    return launch(ctx, spanAttentionKernel<Engine>, dim3(static_cast<unsigned>(nBlocks)), dim3(kDirectWarps * 32),
                  sizeof(float) * kDirectWarps * static_cast<size_t>(headsOfGroup(params) * params.headDim), params);
}

inline constexpr int kStaticShared = 4096;  ///< more than any of the kernels declares
/// Stages of the rings of nWarps warps that fit into `room` bytes beside nSums times the heads' sums; 0: none.
template <class KV, int HD>
int32_t stagesIn(size_t room, const SpanAttentionParams& p, int32_t nWarps, int32_t nSums, size_t& sharedBytes) {
    const size_t sums = static_cast<size_t>(nSums * headsOfGroup(p) * HD) * sizeof(float);
    const size_t stage = static_cast<size_t>(nWarps) * PageRing<KV, HD>::kTileBytes;
    constexpr size_t kMost = std::min<size_t>(kMaxStages, kRingBytes / PageRing<KV, HD>::kTileBytes);
    const size_t n = std::min(sums < room ? (room - sums) / stage : 0, kMost);
    sharedBytes = n * stage + sums;
    return static_cast<int32_t>(n);
}

inline constexpr int kRingBlocksPerSm = 2;
template <class KV, int HD>
int32_t ringStages(const LaunchContext& ctx, const SpanAttentionParams& p, size_t& sharedBytes) {
    return stagesIn<KV, HD>(static_cast<size_t>(ctx.sharedPerSm - kStaticShared) / kRingBlocksPerSm, p, kRingWarps,
                            kRingWarps, sharedBytes);
}

template <class KV, int HD>
cudaError_t launchRing(const LaunchContext& ctx, SpanAttentionParams params) {
    size_t bytes = 0;
    params.nStages = ringStages<KV, HD>(ctx, params, bytes);
    const unsigned nBlocks = static_cast<unsigned>(ctx.nSm * kRingBlocksPerSm);
    params.ahead.shareOut(nBlocks);
    // Never three to a multiprocessor: the next launch's blocks would crowd where this one's are done first.
    bytes = std::max(bytes, static_cast<size_t>(ctx.sharedPerSm) / (kRingBlocksPerSm + 1));
    return launch(ctx, spanRingKernel<KV, HD>, dim3(nBlocks), dim3(kRingWarps * 32), bytes, params);
}

inline int32_t clusterSizeFor(const LaunchContext& ctx, int32_t nTasks) {
    int32_t size = 1;
    while (size * 2 <= kMaxCluster && size * 2 * nTasks <= ctx.nSm) size *= 2;
    return size;
}
template <class KV, int HD>
int32_t clusterStages(const LaunchContext& ctx, const SpanAttentionParams& p, int32_t perSm, size_t& sharedBytes) {
    return stagesIn<KV, HD>(static_cast<size_t>(ctx.sharedPerSm - kStaticShared) / static_cast<size_t>(perSm), p,
                            kClusterWarps, kClusterWarps + 1, sharedBytes);
}

template <class KV, int HD>
cudaError_t launchCluster(const LaunchContext& ctx, SpanAttentionParams params, int32_t perSm) {
    const int32_t nTasks = tasksOf(params.nRows, params.nHeads, params.nKvHeads);
    size_t bytes = 0;
    for (; params.nStages == 0 && perSm > 0; --perSm) params.nStages = clusterStages<KV, HD>(ctx, params, perSm, bytes);
    const unsigned size = static_cast<unsigned>(clusterSizeFor(ctx, nTasks));
    params.ahead.shareOut(static_cast<int64_t>(size) * nTasks);
    return launch(ctx, spanClusterKernel<KV, HD>, dim3(size, static_cast<unsigned>(nTasks)), dim3(kClusterWarps * 32),
                  bytes, params, size);
}

/// Which kernel a launch takes, as measured on an H200 (resources/bench/h200.md). A captured graph keeps it whatever
/// the lists become.
template <class KV, int HD>
SpanKernel choose(const LaunchContext& ctx, const SpanAttentionParams& p) {
    if (!ctx.copyEngine) return SpanKernel::Direct;
    SpanKernel kernel = p.kernel;
    if (kernel == SpanKernel::Auto) {
        const int32_t nTasks = tasksOf(p.nRows, p.nHeads, p.nKvHeads);
        // Clusters of blocks that fill a multiprocessor each find places for about 14 of 8; long lists of large tiles
        // want it.
        constexpr bool kLargeTile = PageRing<KV, HD>::kTileBytes >= 8192;
        if (p.nRows > 1 || nTasks > ctx.nSm) kernel = SpanKernel::Ring;
        else kernel = kLargeTile && nTasks <= 12 ? SpanKernel::ClusterDeep : SpanKernel::Cluster;
    }
    size_t bytes = 0;
    const bool fits = kernel == SpanKernel::Ring ? ringStages<KV, HD>(ctx, p, bytes) > 0
                                                 : clusterStages<KV, HD>(ctx, p, 1, bytes) > 0;
    return fits ? kernel : SpanKernel::Direct;
}

template <class KV, int HD>
cudaError_t launchMma(const LaunchContext& ctx, const SpanAttentionParams& params) {
    switch (choose<KV, HD>(ctx, params)) {
        case SpanKernel::Ring: return launchRing<KV, HD>(ctx, params);
        case SpanKernel::Cluster: return launchCluster<KV, HD>(ctx, params, 2);
        case SpanKernel::ClusterDeep: return launchCluster<KV, HD>(ctx, params, 1);
        case SpanKernel::Auto:
        case SpanKernel::Direct: break;
    }
    return launchDirect<MmaEngine<KV, HD>>(ctx, params);
}
template <class KV, int HD>
SpanGrid mmaGrid(const LaunchContext& ctx, const SpanAttentionParams& params) {
    const SpanKernel kernel = choose<KV, HD>(ctx, params);
    if (kernel == SpanKernel::Direct) return {directBlocks<MmaEngine<KV, HD>>(ctx), 0};
    if (kernel == SpanKernel::Ring) return {ctx.nSm * kRingBlocksPerSm, 0};
    const int32_t nTasks = tasksOf(params.nRows, params.nHeads, params.nKvHeads), size = clusterSizeFor(ctx, nTasks);
    return {size * nTasks, size};
}
template <class KV>
SpanGrid gridOfSpanAttention(const LaunchContext& ctx, const SpanAttentionParams& params) {
    if constexpr (sizeof(KV) == 4) return {directBlocks<PlainEngine<KV>>(ctx), 0};
    else switch (params.headDim) {
            case 32: return mmaGrid<KV, 32>(ctx, params);
            case 64: return mmaGrid<KV, 64>(ctx, params);
            case 128: return mmaGrid<KV, 128>(ctx, params);
            default: return {directBlocks<PlainEngine<KV>>(ctx), 0};
        }
}
template <class KV>
cudaError_t launchSpanAttentionOf(const LaunchContext& ctx, const SpanAttentionParams& params) {
    if constexpr (sizeof(KV) == 4) return launchDirect<PlainEngine<KV>>(ctx, params);
    else switch (params.headDim) {
            case 32: return launchMma<KV, 32>(ctx, params);
            case 64: return launchMma<KV, 64>(ctx, params);
            case 128: return launchMma<KV, 128>(ctx, params);
            default: return launchDirect<PlainEngine<KV>>(ctx, params);
        }
}

template <class KV, int HD>
cudaError_t prepareOf(const LaunchContext& ctx) {
    for (const void* kernel : {reinterpret_cast<const void*>(spanRingKernel<KV, HD>),
                               reinterpret_cast<const void*>(spanClusterKernel<KV, HD>)}) {
        const cudaError_t status = raiseShared(kernel, ctx.sharedPerBlock - kStaticShared);
        if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
}

template <class KV>
cudaError_t prepareSpanAttentionOf(const LaunchContext& ctx) {
    cudaError_t status = prepareOf<KV, 32>(ctx);
    if (status == cudaSuccess) status = prepareOf<KV, 64>(ctx);
    if (status == cudaSuccess) status = prepareOf<KV, 128>(ctx);
    return status;
}

}  // namespace spanscope::cuda
