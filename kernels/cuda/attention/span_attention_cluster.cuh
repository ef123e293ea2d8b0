// For compute capability 9.0 and few tasks (one sequence): the blocks of a cluster split one task's pages, and combine
// their accumulators through distributed shared memory. So nothing goes through L2, no block waits for a counter, and
// the chain of latencies is list, page, combine in the block, barrier of the cluster, one read of a neighbour. Grid
// (cluster size, tasks). Pages come as in span_attention_ring.cuh; bytes and operations as there. Limit: latency, and
// for long lists the bandwidth of the multiprocessors that have a task.
#pragma once

#include "kernels/cuda/attention/span_attention_ring.cuh"

namespace spanscope::cuda {

/// A source of fillRing(): one run.
template <int kWarps>
struct RunSource {
    const AttentionTask& of;
    int32_t end;
    RunPages<kWarps> pages;
    __device__ __forceinline__ const AttentionTask& task() const { return of; }
    __device__ __forceinline__ int32_t last() const { return end; }
    __device__ __forceinline__ bool seek() const { return pages.at < end; }
};

template <class KV, int HD>
__global__ void __launch_bounds__(kClusterWarps * 32, clusterBlocksPerSm(HD))
    spanClusterKernel(const SpanAttentionParams p) {
#if SPANSCOPE_SM90
    constexpr int kWarps = kClusterWarps, kThreads = kWarps * 32;
    // Rings, accumulators of the warps (kWarps, heads of a group, HD), the block's own.
    extern __shared__ __align__(128) char sDynamic[];
    __shared__ float2 sMl[kWarps * kHeadsPerBlock];
    __shared__ float2 sBlockMl[kHeadsPerBlock];
    __shared__ uint64_t sFull[kWarps * kMaxStages];
    __shared__ uint32_t sMask[kWarps * kMaxStages];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const HeadGroups heads(p);
    float* sO = reinterpret_cast<float*>(sDynamic + kWarps * p.nStages * PageRing<KV, HD>::kTileBytes);
    float* sBlock = sO + kWarps * heads.most * HD;
    const int32_t rank = static_cast<int32_t>(clusterRank()), nRanks = static_cast<int32_t>(clusterSize());
    const BlockWork& work = p.work[blockIdx.y * nRanks + rank];
    // Loaded together with the rest of it.
    const KeptPage firstPage0 = work.firstPages[warp], firstPage1 = work.firstPages[kWarps + warp];
    const AttentionTask task(work);
    const int32_t first = work.first, last = work.last;
    if (task.nPages == 0) {
        gridDependencySync();
        launchDependents();
        return;
    }
    PageRing<KV, HD> ring{sDynamic + warp * p.nStages * PageRing<KV, HD>::kTileBytes, sFull + warp * kMaxStages,
                          sMask + warp * kMaxStages, p.nStages};
    ring.open(lane);
    RunSource<kWarps> source{task, last, {first + warp, {}}};
    fillRing<kWarps>(p, ring, source, firstPage0, firstPage1, lane);

    MmaEngine<KV, HD> engine;
    engine.loadQ(p, task, lane);
    engine.reset();
    for (int32_t i = first + warp; i < last; i += kWarps)
        ring.consume(p, engine, lane, [&] {
            if (source.seek()) issueNext<kWarps>(p, ring, source, lane);
        });
    if (tid == 0) prefetchWeights(p.prefetch, static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x);
    engine.store(sO + warp * heads.most * HD, sMl + warp * kHeadsPerBlock, task.nGroup, lane, HD);
    __syncthreads();
    const int32_t nElements = task.nGroup * HD;
    for (int e = tid; e < nElements; e += kThreads) {
        const Partial r = combineWarps<kWarps>(sO, heads.most * HD, sMl, e / HD, e);
        sBlock[e] = r.o;
        if (e % HD == 0) sBlockMl[e / HD] = make_float2(r.m, r.l);
    }
    clusterArrive();
    clusterWait();
    // Each block combines and writes its part of the elements.
    for (int e = nElements * rank / nRanks + tid; e < nElements * (rank + 1) / nRanks; e += kThreads) {
        float2 ml[kMaxCluster];
        float value[kMaxCluster];
        float top = -INFINITY, sum = 0.f, total = 0.f;
#pragma unroll
        for (int i = 0; i < kMaxCluster; ++i) {
            const int from = i < nRanks ? i : 0;
            ml[i] = loadFromRank(sBlockMl + e / HD, from);
            value[i] = loadFromRank(sBlock + e, from);
            if (i >= nRanks) ml[i].x = -INFINITY;
        }
#pragma unroll
        for (int i = 0; i < kMaxCluster; ++i) top = fmaxf(top, ml[i].x);
        const float base = top == -INFINITY ? 0.f : top;
#pragma unroll
        for (int i = 0; i < kMaxCluster; ++i) {
            const float weight = fastExp2(ml[i].x - base);
            total += weight * ml[i].y;
            sum += weight * value[i];
        }
        storeHead(p, task, e / HD, e % HD, HD, total > 0.f ? sum / total : 0.f);
    }
    clusterArrive();  // no block leaves while others read its accumulators
    clusterWait();
#endif
}

}  // namespace spanscope::cuda
