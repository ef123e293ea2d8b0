// The kernel for compute capability 9.0: pages come through shared memory, brought by the copy engine.
//
// K and V of one page and KV head lie together (8 KB at 128 dims of 16 bits), so a page visit is one copy. Every warp
// has a ring of such tiles of its own, filled across the borders of tasks and chunks: the bytes in flight (nearly all
// of shared memory) do not drop while results meet, and no warp waits for another to get data. Operands are read from
// the ring as span_attention_mma.cuh wants them, with conflicts that cost less than half of the time a page takes to
// come. Two blocks of four warps per multiprocessor. What a block begins with comes in one read (BlockWork), and the
// next task's queries while the last one's results meet. Plain reads of such pages reach 4,590 GB/s on an H200;
// multiprocessors are not equally fast, and the mean one is done 20 us before the last of 480. Tried and dropped: a
// tail of small chunks for whoever is free (the merge of its many parts cost 30 us), one block of eight warps (worse on
// short lists).
#pragma once

#include "kernels/cuda/attention/span_attention_mma.cuh"
#include "kernels/cuda/attention/span_attention_parts.cuh"
#include "kernels/cuda/bulk.cuh"

namespace spanscope::cuda {

/// Copies whole pages in, in the order in which they are asked for. Belongs to one warp; all lanes call together.
template <class KV, int HD>
struct PageRing {
    static constexpr uint32_t kTileBytes = 2 * kPageTokens * HD * sizeof(KV);
    char* tiles;
    uint64_t* full;
    uint32_t* masks;
    int nStages;
    uint64_t policy = 0;
    int putAt = 0, takeAt = 0;
    uint32_t parity = 0;

    __device__ __forceinline__ void open(int lane) {
        policy = evictFirst();
        if (lane == 0) {
            for (int s = 0; s < nStages; ++s) initBarrier(full + s, 1);
            publishBarriers();
        }
        __syncwarp();
    }
    __device__ __forceinline__ void put(const SpanAttentionParams& p, KeptPage page, int32_t kvHead, int lane) {
        if (lane == 0) {
            masks[putAt] = page.mask;
            expectBytes(full + putAt, kTileBytes);
            copyBulk(tiles + putAt * kTileBytes,
                     static_cast<const KV*>(p.kv) + kvTile(page.page, p.nKvHeads, kvHead, 0, HD), kTileBytes,
                     full + putAt, policy);
        }
        putAt = putAt + 1 == nStages ? 0 : putAt + 1;
    }
    /// The oldest page is attended and given up; `refill` may then put another one.
    template <class Refill>
    __device__ __forceinline__ void visit(MmaEngine<KV, HD>& engine, float scaleLog2, int lane, const Refill& refill) {
        waitBarrier(full + takeAt, parity);
        const KV* tile = reinterpret_cast<const KV*>(tiles + takeAt * kTileBytes);
        const uint32_t mask = masks[takeAt];
        const auto load16 = [](const void* at) { return *static_cast<const uint4*>(at); };
        const auto load8 = [](const void* at) { return *static_cast<const uint2*>(at); };
        engine.takeK(tile, lane, load16);
        float s[2][4];
        engine.scores(s);
        engine.takeV(tile + kPageTokens * HD, lane, load16, load8);
        uint32_t b0, b1;
        engine.softmax(s, mask, scaleLog2, lane, b0, b1);
        engine.values(b0, b1);
        if (++takeAt == nStages) takeAt = 0, parity ^= 1;
        __syncwarp();
        refill();
    }
};

/// A list of pages read a warp at a time; lane i holds the i-th page to come.
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

template <class KV, int HD>
__global__ void __launch_bounds__(kSpanWarps * 32, kRingBlocksPerSm) spanRingKernel(const SpanAttentionParams p) {
#if SPANSCOPE_SM90
    constexpr int kWarps = kSpanWarps;
    extern __shared__ __align__(128) char sDynamic[];  // tiles, then sums (kWarps, heads of a group, HD)
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
    const KeptPage early0 = work.early[warp],
                   early1 = work.early[kWarps + warp];  // under way together with the rest of it
    SegmentWalk asked(work), walk = asked;
    const SplitPlan plan = work.plan;
    ring.open(lane);
    const int32_t chunk = blockIdx.x;
    if (walk.atEnd()) {
        if (tid == 0) askAhead(p.ahead, blockIdx.x);
        waitForPrevious();
        letNextStart();
        return;
    }
    // What the ring is filled with next: page askedAt of the segment `asked`.
    ListWindow window;
    asked.next(p, heads);
    int32_t askedAt = asked.firstOf(warp);
    const auto seek = [&] {  // to a page of this warp; false: there are no more
        while (askedAt >= asked.last) {
            if (asked.atEnd()) return false;
            asked.next(p, heads);
            askedAt = asked.firstOf(warp);
            window.restart();
        }
        return true;
    };
    const auto pageAsked = [&] { return window.read<kWarps>(asked.task.kept, askedAt, asked.last, lane); };
    const auto ask = [&](KeptPage page) {
        ring.put(p, page, asked.task.kvHead, lane);
        askedAt += kWarps;
        window.next();
    };
    // Before the wait: all but the page that the previous kernel may still write.
    int nAsked = 0;
    bool mayWait = false;
    for (; nAsked < min(2, p.nStages) && askedAt < asked.last; ++nAsked, askedAt += kWarps) {
        const KeptPage page = nAsked == 0 ? early0 : early1;
        mayWait = page.page == asked.task.currentPage;
        if (mayWait) break;
        ring.put(p, page, asked.task.kvHead, lane);
    }
    for (; !mayWait && nAsked < p.nStages && seek(); ++nAsked) {
        const KeptPage page = pageAsked();
        if (page.page == asked.task.currentPage) break;
        ask(page);
    }
    waitForPrevious();
    letNextStart();
    for (; nAsked < p.nStages && seek(); ++nAsked) ask(pageAsked());

    const float scaleLog2 = p.scale * kLog2e;
    MmaEngine<KV, HD> engine;
    typename MmaEngine<KV, HD>::Queries queries;
    const auto open = [&] {  // the next segment
        walk.next(p, heads);
        queries.load(p.q + (static_cast<size_t>(walk.task.row) * p.nHeads + walk.task.head) * HD, walk.task.nGroup,
                     lane);
    };
    open();
    for (bool more = true; more;) {
        engine.takeQ(queries);
        engine.reset();
        for (int32_t i = walk.firstOf(warp); i < walk.last; i += kWarps)
            ring.visit(engine, scaleLog2, lane, [&] {
                if (seek()) ask(pageAsked());
            });
        const AttentionTask task = walk.task;
        more = !walk.atEnd();
        if (more) open();
        else if (tid == 0) askAhead(p.ahead, blockIdx.x);  // while results meet
        engine.publish(sO + warp * heads.most * HD, sMl + warp * kHeadsPerBlock, task.nGroup, lane, HD);
        finishSegment<kWarps>(p, plan, heads, task, chunk, sO, sMl, &sLast, HD);
    }
#endif
}

}  // namespace spanscope::cuda
