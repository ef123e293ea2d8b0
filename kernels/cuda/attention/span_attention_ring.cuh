// For compute capability 9.0: pages come through shared memory by bulk asynchronous copies.
//
// K and V of one page and KV head lie together (8 KB at 128 dims of 16 bits), so a page visit is one copy. Every warp
// has a multi-stage ring of such tiles of its own, a stage each, filled across the borders of tasks and chunks: the
// bytes in flight, nearly all of shared memory, do not drop while accumulators are combined, and no warp waits for
// another to get data. Fragments are read from a stage as span_attention_mma.cuh wants them; their bank conflicts take
// less than half of the time a page takes to arrive. Two blocks of four warps per multiprocessor. A block's work comes
// in one read (BlockWork), and the next task's queries are loaded while the accumulators of the last one are combined.
// Bytes and operations: span_attention.cu. Limit: memory bandwidth. Plain reads of such pages reach 4,590 GB/s on an
// H200; multiprocessors are not equally fast, and the mean one is done 20 us before the last of 480.
// Tried and dropped: a tail of small chunks for blocks that are done early (merging its many splits cost 30 us); one
// block of eight warps (worse on short lists).
#pragma once

#include "kernels/cuda/attention/span_attention_common.cuh"
#include "kernels/cuda/attention/span_attention_mma.cuh"
#include "kernels/cuda/hopper.cuh"

namespace spanscope::cuda {

/// One warp's ring of stages, each for K and V of one page. All lanes call together.
template <class KV, int HD>
struct PageRing {
    static constexpr uint32_t kTileBytes = 2 * kPageTokens * HD * sizeof(KV);
    char* tiles;     ///< (nStages, kTileBytes)
    uint64_t* full;  ///< (nStages) barriers: the tile has arrived
    uint32_t* masks;
    int nStages;
    uint64_t policy = 0;
    int writeStage = 0, readStage = 0;
    uint32_t parity = 0;

    __device__ __forceinline__ void open(int lane) {
        policy = evictFirstPolicy();
        if (lane == 0) {
            for (int s = 0; s < nStages; ++s) initBarrier(full + s, 1);
            fenceBarrierInit();
        }
        __syncwarp();
    }
    /// Starts the copy of a page into the next stage, which must be free.
    __device__ __forceinline__ void issue(const SpanAttentionParams& p, KeptPage page, int32_t kvHead, int lane) {
        if (lane == 0) {
            masks[writeStage] = page.mask;
            arriveExpectBytes(full + writeStage, kTileBytes);
            bulkCopy(tiles + writeStage * kTileBytes,
                     static_cast<const KV*>(p.kv) + kvTile(page.page, p.nKvHeads, kvHead, 0, HD), kTileBytes,
                     full + writeStage, policy);
        }
        writeStage = writeStage + 1 == nStages ? 0 : writeStage + 1;
    }
    /// Attends to the oldest page and frees its stage; `refill` may then issue another.
    template <class Refill>
    __device__ __forceinline__ void consume(const SpanAttentionParams& p, MmaEngine<KV, HD>& engine, int lane,
                                            const Refill& refill) {
        waitBarrier(full + readStage, parity);
        const KV* tile = reinterpret_cast<const KV*>(tiles + readStage * kTileBytes);
        const uint32_t mask = masks[readStage];
        const auto load16 = [](const void* at) { return *static_cast<const uint4*>(at); };
        const auto load8 = [](const void* at) { return *static_cast<const uint2*>(at); };
        engine.loadKFragments(tile, lane, load16);
        float s[2][4];
        engine.scores(s);
        engine.loadVFragments(tile + kPageTokens * HD, lane, load16, load8);
        uint32_t b0, b1;
        engine.softmax(p, s, mask, lane, b0, b1);
        engine.values(b0, b1);
        if (++readStage == nStages) readStage = 0, parity ^= 1;
        __syncwarp();
        refill();
    }
};

/// A list of pages read a warp at a time: lane i holds the i-th page to come.
struct ListWindow {
    KeptPage held;
    int at = 0;
    __device__ __forceinline__ void restart() { at = 0; }
    /// The page at list[next]; those after it are kWarps apart, up to list[end - 1].
    template <int kWarps>
    __device__ __forceinline__ KeptPage read(const KeptPage* list, int32_t next, int32_t end, int lane) {
        if (at == 0 && next + lane * kWarps < end) held = list[next + lane * kWarps];
        KeptPage k;
        k.page = __shfl_sync(0xffffffffu, held.page, at);
        k.mask = __shfl_sync(0xffffffffu, held.mask, at);
        return k;
    }
    __device__ __forceinline__ void next() { at = (at + 1) & 31; }
};

/// A warp's pages in the order in which its ring takes them: those of a run [.., last) of `task`, kWarps apart from
/// `at`.
template <int kWarps>
struct RunPages {
    int32_t at;
    ListWindow window;

    __device__ __forceinline__ KeptPage read(const AttentionTask& task, int32_t last, int lane) {
        return window.read<kWarps>(task.kept, at, last, lane);
    }
    __device__ __forceinline__ void next() {
        at += kWarps;
        window.next();
    }
};

/// The page that the source has come to.
template <int kWarps, class KV, int HD, class Source>
__device__ __forceinline__ void issueNext(const SpanAttentionParams& p, PageRing<KV, HD>& ring, Source& source,
                                          int lane) {
    ring.issue(p, source.pages.read(source.task(), source.last(), lane), source.task().kvHead, lane);
    source.pages.next();
}

/// Fills a warp's ring and synchronises with the kernel before this one: before that come all pages up to the one that
/// this kernel may still be writing, after it the rest. The first two pages of the run are known from `work`.
/// source: seek() goes to a page of this warp (false: there are no more), task() and last() say which run it is of.
template <int kWarps, class KV, int HD, class Source>
__device__ __forceinline__ void fillRing(const SpanAttentionParams& p, PageRing<KV, HD>& ring, Source& source,
                                         KeptPage firstPage0, KeptPage firstPage1, int lane) {
    int nIssued = 0;
    bool reachedCurrent = false;
    for (; nIssued < min(2, p.nStages) && source.pages.at < source.last(); ++nIssued, source.pages.at += kWarps) {
        const KeptPage page = nIssued == 0 ? firstPage0 : firstPage1;
        reachedCurrent = isBeingWritten(source.task(), page);
        if (reachedCurrent) break;
        ring.issue(p, page, source.task().kvHead, lane);
    }
    for (; !reachedCurrent && nIssued < p.nStages && source.seek(); ++nIssued) {
        const KeptPage page = source.pages.read(source.task(), source.last(), lane);
        if (isBeingWritten(source.task(), page)) break;
        ring.issue(p, page, source.task().kvHead, lane);
        source.pages.next();
    }
    gridDependencySync();
    launchDependents();
    for (; nIssued < p.nStages && source.seek(); ++nIssued) issueNext<kWarps>(p, ring, source, lane);
}

/// A source of fillRing(): all runs of a block's chunk.
template <int kWarps>
struct ChunkSource {
    const SpanAttentionParams& p;
    const HeadGroups& heads;
    PageRuns runs;
    int warp;
    RunPages<kWarps> pages;

    __device__ __forceinline__ ChunkSource(const SpanAttentionParams& params, const HeadGroups& groups,
                                           const PageRuns& all, int warpIndex)
        : p(params), heads(groups), runs(all), warp(warpIndex) {
        runs.next(p, heads);
        pages.at = runs.firstOf(warp);
    }
    __device__ __forceinline__ const AttentionTask& task() const { return runs.task; }
    __device__ __forceinline__ int32_t last() const { return runs.last; }
    __device__ __forceinline__ bool seek() {
        while (pages.at >= runs.last) {
            if (runs.atEnd()) return false;
            runs.next(p, heads);
            pages.at = runs.firstOf(warp);
            pages.window.restart();
        }
        return true;
    }
};

template <class KV, int HD>
__global__ void __launch_bounds__(kSpanWarps * 32, kRingBlocksPerSm) spanRingKernel(const SpanAttentionParams p) {
#if SPANSCOPE_SM90
    constexpr int kWarps = kSpanWarps;
    extern __shared__ __align__(128) char sDynamic[];  // rings, then accumulators (kWarps, heads of a group, HD)
    __shared__ float2 sMl[kWarps * kHeadsPerBlock];
    __shared__ uint64_t sFull[kWarps * kMaxStages];
    __shared__ uint32_t sMask[kWarps * kMaxStages];
    __shared__ bool sLast;
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const HeadGroups heads(p);
    float* sO = reinterpret_cast<float*>(sDynamic + kWarps * p.nStages * PageRing<KV, HD>::kTileBytes);
    PageRing<KV, HD> ring{sDynamic + warp * p.nStages * PageRing<KV, HD>::kTileBytes, sFull + warp * kMaxStages,
                          sMask + warp * kMaxStages, p.nStages};
    const BlockWork& work = p.work[blockIdx.x];
    // Loaded together with the rest of it.
    const KeptPage firstPage0 = work.firstPages[warp], firstPage1 = work.firstPages[kWarps + warp];
    PageRuns runs(work);
    const SplitPlan plan = work.plan;
    ring.open(lane);
    const int32_t chunk = blockIdx.x;
    if (runs.atEnd()) {
        if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);
        gridDependencySync();
        launchDependents();
        return;
    }
    ChunkSource<kWarps> source(p, heads, runs, warp);  // runs ahead of `runs` by as many pages as the ring holds
    fillRing<kWarps>(p, ring, source, firstPage0, firstPage1, lane);

    MmaEngine<KV, HD> engine;
    typename MmaEngine<KV, HD>::Queries queries;
    const auto nextRun = [&] {
        runs.next(p, heads);
        queries.load(p, runs.task, lane);
    };
    nextRun();
    for (bool more = true; more;) {
        engine.packQ(queries);
        engine.reset();
        for (int32_t i = runs.firstOf(warp); i < runs.last; i += kWarps)
            ring.consume(p, engine, lane, [&] {
                if (source.seek()) issueNext<kWarps>(p, ring, source, lane);
            });
        const AttentionTask task = runs.task;
        more = !runs.atEnd();
        if (more) nextRun();
        else if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);  // while accumulators are combined
        engine.store(sO + warp * heads.most * HD, sMl + warp * kHeadsPerBlock, task.nGroup, lane, HD);
        finishRun<kWarps>(p, plan, heads, task, chunk, sO, sMl, &sLast, HD);
    }
#endif
}

}  // namespace spanscope::cuda
