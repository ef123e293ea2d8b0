// Which kernel a launch of span attention takes, with what grid and how much shared memory; measured on an H200
// (resources/bench/h200.md). Host code without CUDA, so that it is tested where there is no device. Pure functions.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/cuda/attention/split_plan.h"
#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

enum class SpanKernel : int32_t {
    Auto,         ///< a request only: the best of the others
    Plain,        ///< CUDA cores in float32, any KV type and head size: span_attention_plain.cuh
    Direct,       ///< tensor cores, pages loaded into registers: span_attention_direct.cuh
    Ring,         ///< tensor cores, pages through rings in shared memory: span_attention_ring.cuh
    Cluster,      ///< as Ring, a cluster per task, two blocks per multiprocessor: span_attention_cluster.cuh
    ClusterDeep,  ///< as Cluster, one block per multiprocessor with rings up to twice as deep
};

inline constexpr int kSpanWarps = kVisitWarps;  ///< of a block of a grid over which all page visits are split
inline constexpr int kClusterWarps = 8;         ///< of a block of a cluster, which has one task
inline constexpr int kMaxCluster = 8;           ///< blocks; more was slower, and fewer such clusters are resident
inline constexpr int kMaxStages = 8;            ///< of a warp's ring
inline constexpr int kPlainBlocksPerSm = 2, kDirectBlocksPerSm = 3, kRingBlocksPerSm = 2;
inline constexpr int kMaxBlocksPerSm = 3;  ///< of these
/// Direct and Ring or Cluster: heads wider than 128 need twice the registers.
constexpr int directBlocksPerSm(int headDim) { return headDim > 128 ? 2 : kDirectBlocksPerSm; }
constexpr int clusterBlocksPerSm(int headDim) { return headDim > 128 ? 1 : 2; }

/// Of LaunchContext, what the choice depends on.
struct SpanDevice {
    int32_t nSm = 0;
    bool bulkCopies = false;
    int32_t sharedPerSm = 0;
};
/// Of SpanAttentionParams.
struct SpanShape {
    Element kvType = Element::F32;
    int32_t nRows = 0, nHeads = 0, nKvHeads = 0, headDim = 0, nQueries = 1;
};

/// Query heads of a KV head, those of all queries of a row, come in groups of up to kHeadsPerBlock.
SPANSCOPE_HD inline int32_t headGroupsOf(int32_t headsPerKv) { return ceilDivide(headsPerKv, kHeadsPerBlock); }
/// Heads whose accumulators a block keeps.
inline int32_t headsOfGroup(const SpanShape& s) { return std::min(s.nHeads / s.nKvHeads * s.nQueries, kHeadsPerBlock); }
inline int32_t nTasksOf(const SpanShape& s) {
    return s.nRows * s.nKvHeads * headGroupsOf(s.nHeads / s.nKvHeads * s.nQueries);
}
/// The most queries for which a KV head has no more groups than for nQueries: what a launch is made for, so that few
/// graphs serve all passes.
inline int32_t queriesOfLaunch(int32_t nQueries, int32_t headsPerKv) {
    return nQueries <= 1 ? 1 : headGroupsOf(nQueries * headsPerKv) * kHeadsPerBlock / headsPerKv;
}
/// K and V of one page and KV head.
inline size_t tileBytesOf(const SpanShape& s) {
    return 2 * kPageTokens * static_cast<size_t>(s.headDim) * elementBytes(s.kvType);
}
/// The kernels for tensor cores take 16-bit KV and these head sizes.
inline bool takesTensorCores(const SpanShape& s) {
    return s.kvType != Element::F32 &&
           (s.headDim == 32 || s.headDim == 64 || s.headDim == 96 || s.headDim == 128 || s.headDim == 256);
}

struct SpanLaunch {
    SpanKernel kernel = SpanKernel::Plain;
    int32_t nBlocks = 0;
    int32_t cluster = 0;  ///< blocks of a cluster, which has one task; 0: all page visits are split over the grid
    int32_t nStages = 0;  ///< of a warp's ring
    size_t sharedBytes = 0;
};

/// As many stages for the rings of nWarps warps as fit into a block beside nSums accumulators of its heads, with
/// blocksPerSm blocks on a multiprocessor; and the bytes of both. No stages: it does not fit.
inline void fitRings(SpanLaunch& launch, const SpanDevice& device, const SpanShape& s, int32_t blocksPerSm,
                     int32_t nWarps, int32_t nSums) {
    constexpr int32_t kStaticShared = 4096;             // more than any of the kernels declares
    constexpr size_t kMaxRingBytes = size_t{16} << 10;  // more in flight: the slowest multiprocessor finishes later
    const size_t room = static_cast<size_t>(std::max(device.sharedPerSm - kStaticShared, 0) / blocksPerSm);
    const size_t sums = static_cast<size_t>(nSums * headsOfGroup(s) * s.headDim) * sizeof(float);
    const size_t stage = static_cast<size_t>(nWarps) * tileBytesOf(s);
    const size_t most = std::min<size_t>(kMaxStages, kMaxRingBytes / tileBytesOf(s));
    const size_t n = std::min(sums < room ? (room - sums) / stage : 0, most);
    launch.nStages = static_cast<int32_t>(n);
    launch.sharedBytes = n * stage + sums;
}

/// wanted: other than Auto for tests and measurements; one that does not apply becomes Direct or Plain. A captured
/// graph keeps the choice whatever the lists become.
inline SpanLaunch planSpanLaunch(const SpanDevice& device, const SpanShape& s, SpanKernel wanted) {
    const int32_t nTasks = nTasksOf(s);
    SpanLaunch launch;
    launch.kernel = wanted;
    if (!takesTensorCores(s)) launch.kernel = SpanKernel::Plain;
    else if (!device.bulkCopies && wanted != SpanKernel::Plain) launch.kernel = SpanKernel::Direct;
    else if (s.nQueries > 1 && (wanted == SpanKernel::Cluster || wanted == SpanKernel::ClusterDeep))
        launch.kernel = SpanKernel::Ring;  // most rows have no task
    else if (wanted == SpanKernel::Auto) {
        // With one block per multiprocessor about 14 clusters of 8 are resident: for long lists of large tiles.
        if (s.nRows > 1 || s.nQueries > 1 || nTasks > device.nSm) launch.kernel = SpanKernel::Ring;
        else if (tileBytesOf(s) >= 8192 && nTasks <= 12) launch.kernel = SpanKernel::ClusterDeep;
        else launch.kernel = SpanKernel::Cluster;
    }
    if (launch.kernel == SpanKernel::Ring) {
        launch.nBlocks = device.nSm * kRingBlocksPerSm;
        fitRings(launch, device, s, kRingBlocksPerSm, kSpanWarps, kSpanWarps);
        // Never three blocks to a multiprocessor: those of the next launch would gather where this one is done first.
        launch.sharedBytes =
            std::max(launch.sharedBytes, static_cast<size_t>(device.sharedPerSm) / (kRingBlocksPerSm + 1));
        if (launch.nStages > 0) return launch;
        launch.kernel = SpanKernel::Direct;
    }
    if (launch.kernel == SpanKernel::Cluster || launch.kernel == SpanKernel::ClusterDeep) {
        launch.cluster = 1;
        while (launch.cluster * 2 <= kMaxCluster && launch.cluster * 2 * nTasks <= device.nSm) launch.cluster *= 2;
        launch.nBlocks = launch.cluster * nTasks;
        for (int32_t perSm = launch.kernel == SpanKernel::Cluster ? clusterBlocksPerSm(s.headDim) : 1;
             perSm > 0 && launch.nStages == 0; --perSm)
            fitRings(launch, device, s, perSm, kClusterWarps, kClusterWarps + 1);
        if (launch.nStages > 0) return launch;
        launch.kernel = SpanKernel::Direct;
    }
    launch.nBlocks =
        device.nSm * (launch.kernel == SpanKernel::Plain ? kPlainBlocksPerSm : directBlocksPerSm(s.headDim));
    launch.cluster = launch.nStages = 0;
    launch.sharedBytes = sizeof(float) * kSpanWarps * static_cast<size_t>(headsOfGroup(s) * s.headDim);
    return launch;
}

}  // namespace spanscope::cuda
