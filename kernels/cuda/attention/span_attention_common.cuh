// What the decode attention kernels share: what a block has to do, and how the accumulators of warps and of splits are
// combined. An accumulator is unnormalised: O (values), l (sum of exponentials), m (the maximum they are relative to),
// all in base 2.
#pragma once

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {

inline constexpr float kLog2e = 1.4426950408889634f;

/// Query heads in groups of up to eight, KV head by KV head: those of a row's first query, then those of its second.
struct HeadGroups {
    int32_t perKv, nGroups, nTasksPerRow, most;
    __device__ __forceinline__ explicit HeadGroups(const SpanAttentionParams& p) {
        perKv = p.headsPerKv * p.nQueries;
        nGroups = headGroupsOf(perKv);
        nTasksPerRow = p.nKvHeads * nGroups;
        most = min(kHeadsPerBlock, perKv);
    }
};

/// Makes `task` (a BlockWork or an AttentionTask) the task `index` of row `row`: the fields that follow from the
/// numbers of heads alone. Pages and splits are set apart.
template <class Task>
__device__ __forceinline__ void setTask(Task& task, int32_t perKv, int32_t nGroups, int32_t row, int32_t index) {
    task.row = row;
    task.index = index;
    task.kvHead = task.index / nGroups;
    task.skip = task.index % nGroups * kHeadsPerBlock;
    task.nGroup = min(kHeadsPerBlock, perKv - task.skip);
}

/// Which query of the row head h of a task's group is of.
template <class Task>
__device__ __forceinline__ int32_t queryOf(const SpanAttentionParams& p, const Task& task, int h) {
    return p.nQueries == 1 ? 0 : (task.skip + h) / p.headsPerKv;
}
/// Where head h of a task's group lies in (rows of the step, nHeads); -1: the row has no such query.
template <class Task>
__device__ __forceinline__ int32_t headOf(const SpanAttentionParams& p, const Task& task, int h) {
    const int32_t first = task.row * p.nHeads + task.kvHead * p.headsPerKv;
    if (p.nQueries == 1) return first + task.skip + h;
    const int32_t query = queryOf(p, task, h);
    return query < task.nQueries ? first + query * p.nHeads + task.skip + h - query * p.headsPerKv : -1;
}

/// The task of a BlockWork, in registers.
struct AttentionTask {
    int32_t row, index, kvHead, nPages;
    int32_t skip, nGroup, nQueries;
    int32_t currentPage;
    int32_t begin;
    int32_t firstChunk, nSplits;
    const KeptPage* kept;

    __device__ __forceinline__ explicit AttentionTask(const BlockWork& w)
        : row(w.row),
          index(w.index),
          kvHead(w.kvHead),
          nPages(w.nPages),
          skip(w.skip),
          nGroup(w.nGroup),
          nQueries(w.nQueries),
          currentPage(w.currentPage),
          begin(w.begin),
          firstChunk(w.firstChunk),
          nSplits(w.nSplits),
          kept(w.kept) {}
};

/// Does an earlier kernel of the layer write to the page?
__device__ __forceinline__ bool isBeingWritten(const AttentionTask& task, KeptPage page) {
    return page.page == task.currentPage || hasUntil(page.mask);
}

/// The runs of pages of a block's chunk, in order: [first, last) of a task each.
struct PageRuns {
    AttentionTask task;
    int32_t first, last;

    __device__ __forceinline__ explicit PageRuns(const BlockWork& w)
        : task(w), first(w.first), last(w.last), m_chunk(w.plan.chunk), m_at(w.at), m_end(w.end), m_opened(false) {}
    __device__ __forceinline__ bool atEnd() const { return m_at >= m_end; }
    __device__ __forceinline__ void next(const SpanAttentionParams& p, const HeadGroups& heads) {
        if (m_opened) {  // only stream-K has a second one, and it begins with its task
            task.begin = m_at;
            if (task.index + 1 < heads.nTasksPerRow) {
                setTask(task, heads.perKv, heads.nGroups, task.row, task.index + 1);
            } else {
                do ++task.row;
                while (p.rows[task.row].nKept == 0);
                const BatchRow r = p.rows[task.row];
                task.nPages = r.nKept;
                task.kept = r.kept;
                task.currentPage = r.currentPage;
                task.nQueries = r.nQueries;
                setTask(task, heads.perKv, heads.nGroups, task.row, 0);
            }
            task.firstChunk = task.begin / m_chunk;
            task.nSplits = (task.begin + task.nPages - 1) / m_chunk - task.firstChunk + 1;
            first = 0;
            last = min(task.nPages, m_end - task.begin);
        }
        m_opened = true;
        m_at = task.begin < 0 ? m_end : task.begin + last;
    }
    /// The first page of the run that is `warp`'s: warps take turns along the whole chunk.
    __device__ __forceinline__ int32_t firstOf(int warp) const { return firstPageOf(max(task.begin, 0), first, warp); }

  private:
    int32_t m_chunk, m_at, m_end;
    bool m_opened;
};

/// One element of an accumulator.
struct Partial {
    float o, l, m;
};

/// Element e of the accumulators that kWarps warps have stored for head h.
template <int kWarps>
__device__ __forceinline__ Partial combineWarps(const float* sO, int32_t stride, const float2* sMl, int h, int e) {
    Partial r{0.f, 0.f, -INFINITY};
#pragma unroll
    for (int w = 0; w < kWarps; ++w) r.m = fmaxf(r.m, sMl[w * kHeadsPerBlock + h].x);
    const float base = r.m == -INFINITY ? 0.f : r.m;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
        const float2 ml = sMl[w * kHeadsPerBlock + h];
        const float weight = fastExp2(ml.x - base);
        r.l += weight * ml.y;
        r.o += weight * sO[w * stride + e];
    }
    return r;
}

/// Where a chunk leaves its accumulator of head h of a task. A slot has room for `most` heads.
__device__ __forceinline__ size_t slotOf(const SplitPlan& plan, const HeadGroups& heads, const AttentionTask& task,
                                         int32_t chunk, int h) {
    return static_cast<size_t>(partialSlot(plan, chunk, task.begin)) * heads.most + h;
}

/// Element d of the result of head h of a task.
__device__ __forceinline__ void storeHead(const SpanAttentionParams& p, const AttentionTask& task, int h, int d, int hd,
                                          float value) {
    const int32_t head = headOf(p, task, h);
    if (head >= 0) storeElement(p.out, p.outType, static_cast<size_t>(head) * hd + d, value);
}

/// Merges the splits of a task and writes its result. Warps divide the heads, and the splits of a head where there are
/// more warps than heads. sO, sMl: shared memory that nobody else uses, laid out as combineWarps() reads it. All
/// threads; ends without a barrier.
template <int kWarps>
__device__ __forceinline__ void mergeSplits(const SpanAttentionParams& p, const SplitPlan& plan,
                                            const HeadGroups& heads, const AttentionTask& task, float* sO, float2* sMl,
                                            int hd) {
    constexpr int kLoads = 4;  // splits loaded before it is known what they weigh
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    const int warpsPerHead = max(1, kWarps / task.nGroup);
    const int slice = task.nGroup < kWarps ? warp / task.nGroup : 0;  // of the head's splits: each warpsPerHead-th
    for (int h = task.nGroup < kWarps ? warp % task.nGroup : warp; h < task.nGroup && slice < warpsPerHead;
         h += kWarps) {
        const auto slotAt = [&](int32_t i) { return slotOf(plan, heads, task, task.firstChunk + i, h); };
        float total = 0.f;
        for (int d = lane * 4; d < hd || d < 128; d += 128) {
            const auto valueAt = [&](int32_t i) {
                return d < hd ? __ldcg(reinterpret_cast<const float4*>(p.partialO + slotAt(i) * hd + d))
                              : make_float4(0.f, 0.f, 0.f, 0.f);
            };
            float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
            float top = -INFINITY;
            total = 0.f;
            for (int32_t from = 0; from < task.nSplits; from += 32) {
                const int32_t n = min(32, task.nSplits - from);
                float4 loaded[kLoads];
#pragma unroll
                for (int a = 0; a < kLoads; ++a) loaded[a] = valueAt(from + min(slice + a * warpsPerHead, n - 1));
                const float2 ml = lane < n ? __ldcg(p.partialMl + slotAt(from + lane)) : make_float2(-INFINITY, 0.f);
                const float before = top;
                top = fmaxf(top, warpMax(ml.x));
                const float base = top == -INFINITY ? 0.f : top, scale = fastExp2(before - base),
                            weight = fastExp2(ml.x - base);
                total = total * scale + warpSum(weight * ml.y);
                sum.x *= scale, sum.y *= scale, sum.z *= scale, sum.w *= scale;
                const auto add = [&](int32_t i, const float4& v) {
                    const float w = __shfl_sync(0xffffffffu, weight, i);
                    sum.x += w * v.x, sum.y += w * v.y, sum.z += w * v.z, sum.w += w * v.w;
                };
#pragma unroll
                for (int a = 0; a < kLoads; ++a)
                    if (slice + a * warpsPerHead < n) add(slice + a * warpsPerHead, loaded[a]);
#pragma unroll 4
                for (int32_t i = slice + kLoads * warpsPerHead; i < n; i += warpsPerHead) add(i, valueAt(from + i));
            }
            if (d < hd) *reinterpret_cast<float4*>(sO + (slice * task.nGroup + h) * hd + d) = sum;
        }
        if (lane == 0 && slice == 0) sMl[h].y = total;
    }
    __syncthreads();
    for (int e = threadIdx.x; e < task.nGroup * hd; e += kWarps * 32) {
        float value = 0.f;
        for (int t = 0; t < warpsPerHead; ++t) value += sO[t * task.nGroup * hd + e];
        const float total = sMl[e / hd].y;
        storeHead(p, task, e / hd, e % hd, hd, total > 0.f ? value / total : 0.f);
    }
}

/// Ends a run of pages, whose accumulators the block's warps have stored in sO (kWarps, heads.most, hd) and sMl. A
/// whole task is written out; a split is left in L2, and the task's last one to arrive merges them all. All threads;
/// begins and ends with a barrier.
template <int kWarps>
__device__ __forceinline__ void finishRun(const SpanAttentionParams& p, const SplitPlan& plan, const HeadGroups& heads,
                                          const AttentionTask& task, int32_t chunk, float* sO, float2* sMl, bool* sLast,
                                          int hd) {
    const int tid = threadIdx.x;
    const bool whole = task.nSplits == 1;
    __syncthreads();
    for (int e = tid; e < task.nGroup * hd; e += kWarps * 32) {
        const int h = e / hd;
        const Partial r = combineWarps<kWarps>(sO, heads.most * hd, sMl, h, e);
        if (whole) {
            storeHead(p, task, h, e % hd, hd, r.l > 0.f ? r.o / r.l : 0.f);
        } else {
            const size_t slot = slotOf(plan, heads, task, chunk, h);
            p.partialO[slot * hd + e % hd] = r.o;
            if (e % hd == 0) p.partialMl[slot] = make_float2(r.m, r.l);
        }
    }
    if (!whole) {
        __syncthreads();
        if (tid == 0) {
            __threadfence();  // releases the writes of the whole block, which the barrier has ordered before
            int32_t* arrived = p.arrived + task.row * heads.nTasksPerRow + task.index;
            *sLast = atomicAdd(arrived, 1) == task.nSplits - 1;
            if (*sLast) *arrived = 0;
        }
        __syncthreads();
        if (*sLast) {
            __threadfence();
            mergeSplits<kWarps>(p, plan, heads, task, sO, sMl, hd);
        }
    }
    __syncthreads();
}

}  // namespace spanscope::cuda
