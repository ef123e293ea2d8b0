// The kernel for compute capability 9.0 and few tasks (one sequence): the pages of a task are shared by the blocks of a
// cluster, whose partial results meet in each other's shared memory. So nothing goes through L2, nobody is elected, and
// the chain of latencies is list, page, merge in the block, barrier of the cluster, one read of a neighbour.
// Grid (cluster size, tasks). Pages come as in span_attention_ring.cuh.
#pragma once

#include "kernels/cuda/attention/span_attention_ring.cuh"

namespace spanscope::cuda {

template <class KV, int HD>
__global__ void __launch_bounds__(kClusterWarps * 32, 2) spanClusterKernel(const SpanAttentionParams p) {
#if SPANSCOPE_SM90
    constexpr int kWarps = kClusterWarps, kThreads = kWarps * 32;
    extern __shared__ __align__(
        128) char sDynamic[];  // tiles, sums (kWarps, heads of a group, HD), the block's own sums
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
    const KeptPage early0 = work.early[warp],
                   early1 = work.early[kWarps + warp];  // under way together with the rest of it
    const AttentionTask task(work);
    const int32_t first = work.first, last = work.last;
    if (task.nPages == 0) {
        waitForPrevious();
        letNextStart();
        return;
    }
    PageRing<KV, HD> ring{sDynamic + warp * p.nStages * PageRing<KV, HD>::kTileBytes, sFull + warp * kMaxStages,
                          sMask + warp * kMaxStages, p.nStages};
    ring.open(lane);
    ListWindow window;
    int32_t askedAt = first + warp;
    const auto ask = [&](KeptPage page) {
        ring.put(p, page, task.kvHead, lane);
        askedAt += kWarps;
        window.next();
    };
    // Before the wait: all but the page that the previous kernel may still write.
    int nAsked = 0;
    bool mayWait = false;
    for (; nAsked < min(2, p.nStages) && askedAt < last; ++nAsked, askedAt += kWarps) {
        const KeptPage page = nAsked == 0 ? early0 : early1;
        mayWait = page.page == task.currentPage;
        if (mayWait) break;
        ring.put(p, page, task.kvHead, lane);
    }
    for (; !mayWait && nAsked < p.nStages && askedAt < last; ++nAsked) {
        const KeptPage page = window.read<kWarps>(task.kept, askedAt, last, lane);
        if (page.page == task.currentPage) break;
        ask(page);
    }
    waitForPrevious();
    letNextStart();
    for (; nAsked < p.nStages && askedAt < last; ++nAsked) ask(window.read<kWarps>(task.kept, askedAt, last, lane));

    const size_t outAt = (static_cast<size_t>(task.row) * p.nHeads + task.head) * HD;
    MmaEngine<KV, HD> engine;
    engine.loadQ(p.q + outAt, task.nGroup, lane);
    engine.reset();
    const float scaleLog2 = p.scale * kLog2e;
    for (int32_t i = first + warp; i < last; i += kWarps)
        ring.visit(engine, scaleLog2, lane, [&] {
            if (askedAt < last) ask(window.read<kWarps>(task.kept, askedAt, last, lane));
        });
    if (tid == 0) askAhead(p.ahead, static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x);
    engine.publish(sO + warp * heads.most * HD, sMl + warp * kHeadsPerBlock, task.nGroup, lane, HD);
    __syncthreads();
    const int32_t nElements = task.nGroup * HD;
    for (int e = tid; e < nElements; e += kThreads) {
        const Partial r = joinWarps<kWarps>(sO, heads.most * HD, sMl, e / HD, e);
        sBlock[e] = r.value;
        if (e % HD == 0) sBlockMl[e / HD] = make_float2(r.top, r.total);
    }
    clusterArrive();
    clusterWait();
    // Each block writes its share of the elements.
    for (int e = nElements * rank / nRanks + tid; e < nElements * (rank + 1) / nRanks; e += kThreads) {
        float2 ml[kMaxCluster];
        float value[kMaxCluster];
        float top = -INFINITY, sum = 0.f, total = 0.f;
#pragma unroll
        for (int i = 0; i < kMaxCluster; ++i) {
            const int from = i < nRanks ? i : 0;
            ml[i] = loadOfBlock(sBlockMl + e / HD, from);
            value[i] = loadOfBlock(sBlock + e, from);
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
        storeElement(p.out, p.outType, outAt + e, total > 0.f ? sum / total : 0.f);
    }
    clusterArrive();  // nobody leaves while others read its sums
    clusterWait();
#endif
}

}  // namespace spanscope::cuda
