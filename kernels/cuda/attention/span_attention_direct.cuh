// For every device, KV type and head size: pages go from device memory straight into registers. Three blocks of four
// warps per multiprocessor on tensor cores, two on CUDA cores; the next page is loaded as soon as the registers of this
// one are free. Bytes and operations: span_attention.cu. Limit: bytes in flight, which registers bound.
#pragma once

#include "kernels/cuda/attention/span_attention_common.cuh"
#include "kernels/cuda/attention/span_attention_mma.cuh"
#include "kernels/cuda/attention/span_attention_plain.cuh"

namespace spanscope::cuda {

/// Engine: MmaEngine or PlainEngine.
template <class Engine>
__global__ void __launch_bounds__(kSpanWarps * 32, Engine::kBlocksPerSm)
    spanAttentionKernel(const SpanAttentionParams p) {
    constexpr int kWarps = kSpanWarps;
    extern __shared__ float4 sSums[];
    __shared__ float2 sMl[kWarps * kHeadsPerBlock];
    __shared__ bool sLast;
    float* sO = reinterpret_cast<float*>(sSums);  // (kWarps, heads of a group, headDim)
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const HeadGroups heads(p);
    const BlockWork& work = p.work[blockIdx.x];
    const KeptPage firstPage = work.firstPages[warp];  // loaded together with the rest of it
    PageRuns runs(work);
    const SplitPlan plan = work.plan;
    const int32_t chunk = blockIdx.x;
    if (runs.atEnd()) {
        if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);
        gridDependencySync();
        launchDependents();
        return;
    }
    bool synced = false;
    Engine engine;
    while (!runs.atEnd()) {
        runs.next(p, heads);
        const AttentionTask& task = runs.task;
        const int32_t firstMine = runs.firstOf(warp);
        const int32_t nMine = runs.last > firstMine ? (runs.last - firstMine + kWarps - 1) / kWarps : 0;
        const KeptPage* kept = task.kept + firstMine;
        const int hd = engine.headDim(p);

        KeptPage mine;
        if (lane < nMine) mine = kept[lane * kWarps];
        int32_t page = synced ? __shfl_sync(0xffffffffu, mine.page, 0) : firstPage.page;
        const bool written = synced || !isBeingWritten(task, firstPage);
        if (nMine > 0 && written) {
            engine.loadK(p, page, task.kvHead, lane);
            engine.loadV(p, page, task.kvHead, lane);
        }
        if (!synced) {
            gridDependencySync();
            launchDependents();
            synced = true;
        }
        if (nMine > 0 && !written) {
            engine.loadK(p, page, task.kvHead, lane);
            engine.loadV(p, page, task.kvHead, lane);
        }
        engine.loadQ(p, task, lane);
        engine.reset();
        for (int32_t i = 0; i < nMine; ++i) {
            const uint32_t mask = __shfl_sync(0xffffffffu, mine.mask, i & 31);
            const bool more = i + 1 < nMine;
            if (more) {
                if (((i + 1) & 31) == 0 && i + 1 + lane < nMine) mine = kept[(i + 1 + lane) * kWarps];
                page = __shfl_sync(0xffffffffu, mine.page, (i + 1) & 31);
            }
            if constexpr (Engine::kTensorCores) {
                float s[2][4];
                engine.scores(s);
                if (more) engine.loadK(p, page, task.kvHead, lane);
                uint32_t b0, b1;
                engine.softmax(p, s, mask, lane, b0, b1);
                engine.values(b0, b1);
                if (more) engine.loadV(p, page, task.kvHead, lane);
            } else {
                engine.visit(p, mask, task.nGroup, lane);
                if (more) engine.loadK(p, page, task.kvHead, lane);
            }
        }
        if (tid == 0 && runs.atEnd()) prefetchWeights(p.prefetch, blockIdx.x);  // while accumulators are combined
        engine.store(sO + warp * heads.most * hd, sMl + warp * kHeadsPerBlock, task.nGroup, lane, hd);
        finishRun<kWarps>(p, plan, heads, task, chunk, sO, sMl, &sLast, hd);
    }
}

}  // namespace spanscope::cuda
