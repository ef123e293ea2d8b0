// What all decode attention kernels share: what a block has to do, and how the sums of warps and of chunks meet.
#pragma once

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {

inline constexpr float kLog2e = 1.4426950408889634f;

/// Query heads in groups of up to eight, KV head by KV head.
struct HeadGroups {
    int32_t perKv, nGroups, nTasksPerRow, most;
    __device__ __forceinline__ explicit HeadGroups(const SpanAttentionParams& p) {
        perKv = p.headsPerKv;
        nGroups = headGroupsOf(perKv);
        nTasksPerRow = p.nKvHeads * nGroups;
        most = min(kHeadsPerBlock, perKv);
    }
};

/// Task `indexOf` of row `rowOf`, and its heads; into a BlockWork or what is made of one.
template <class Task>
__device__ __forceinline__ void chooseTask(Task& task, int32_t perKv, int32_t nGroups, int32_t rowOf, int32_t indexOf) {
    task.row = rowOf;
    task.index = indexOf;
    task.kvHead = task.index / nGroups;
    const int32_t skip = task.index % nGroups * kHeadsPerBlock;
    task.head = task.kvHead * perKv + skip;
    task.nGroup = min(kHeadsPerBlock, perKv - skip);
}

struct AttentionTask {
    int32_t row, index, kvHead, nPages;  ///< index: of the row's tasks
    int32_t head, nGroup;                ///< first query head, how many
    int32_t currentPage;
    int32_t begin;               ///< first visit on the line; -1: by parts
    int32_t firstChunk, nParts;  ///< chunks that share it
    const KeptPage* kept;

    __device__ __forceinline__ explicit AttentionTask(const BlockWork& w)
        : row(w.row),
          index(w.index),
          kvHead(w.kvHead),
          nPages(w.nPages),
          head(w.head),
          nGroup(w.nGroup),
          currentPage(w.currentPage),
          begin(w.begin),
          firstChunk(w.firstChunk),
          nParts(w.nParts),
          kept(w.kept) {}
};

/// The segments of a block's share, in order: pages [first, last) of a task each.
struct SegmentWalk {
    AttentionTask task;
    int32_t first, last;

    __device__ __forceinline__ explicit SegmentWalk(const BlockWork& w)
        : task(w), first(w.first), last(w.last), m_chunk(w.plan.chunk), m_at(w.at), m_end(w.end), m_opened(false) {}
    __device__ __forceinline__ bool atEnd() const { return m_at >= m_end; }
    __device__ __forceinline__ void next(const SpanAttentionParams& p, const HeadGroups& heads) {
        if (m_opened) {  // only the line has a second one, and it begins with its task
            task.begin = m_at;
            if (task.index + 1 < heads.nTasksPerRow) {
                chooseTask(task, heads.perKv, heads.nGroups, task.row, task.index + 1);
            } else {
                do ++task.row;
                while (p.rows[task.row].nKept == 0);
                const BatchRow r = p.rows[task.row];
                task.nPages = r.nKept;
                task.kept = r.kept;
                task.currentPage = r.currentPage;
                chooseTask(task, heads.perKv, heads.nGroups, task.row, 0);
            }
            task.firstChunk = task.begin / m_chunk;
            task.nParts = (task.begin + task.nPages - 1) / m_chunk - task.firstChunk + 1;
            first = 0;
            last = min(task.nPages, m_end - task.begin);
        }
        m_opened = true;
        m_at = task.begin < 0 ? m_end : task.begin + last;
    }
    /// The first page at or after `first` that is `warp`'s: warps take turns along the whole share.
    __device__ __forceinline__ int32_t firstOf(int warp) const { return firstPageOf(max(task.begin, 0), first, warp); }

  private:
    int32_t m_chunk, m_at, m_end;
    bool m_opened;
};

/// Unnormalised value, sum of weights and maximum they are relative to.
struct Partial {
    float value, total, top;
};

/// Element e of the sums that kWarps warps have published for head h.
template <int kWarps>
__device__ __forceinline__ Partial joinWarps(const float* sO, int32_t stride, const float2* sMl, int h, int e) {
    Partial r{0.f, 0.f, -INFINITY};
#pragma unroll
    for (int w = 0; w < kWarps; ++w) r.top = fmaxf(r.top, sMl[w * kHeadsPerBlock + h].x);
    const float base = r.top == -INFINITY ? 0.f : r.top;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
        const float2 ml = sMl[w * kHeadsPerBlock + h];
        const float weight = fastExp2(ml.x - base);
        r.total += weight * ml.y;
        r.value += weight * sO[w * stride + e];
    }
    return r;
}

/// Slots of partial results hold the sums of `most` heads.
__device__ __forceinline__ size_t slotOf(const SplitPlan& plan, const HeadGroups& heads, const AttentionTask& task,
                                         int32_t chunk, int h) {
    return static_cast<size_t>(partialSlot(plan, chunk, task.begin)) * heads.most + h;
}

/// Merges the parts of a task. Warps share the heads, and the parts of a head where there are more warps than heads.
/// sO, sMl: shared memory that nobody else uses, as joinWarps() reads it. Ends without a barrier.
template <int kWarps>
__device__ __forceinline__ void mergeParts(const SpanAttentionParams& p, const SplitPlan& plan, const HeadGroups& heads,
                                           const AttentionTask& task, float* sO, float2* sMl, int hd) {
    constexpr int kAhead = 4;  // parts requested before it is known what they weigh
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    const int nTeams = max(1, kWarps / task.nGroup);  // warps per head
    const int team = task.nGroup < kWarps ? warp / task.nGroup : 0;
    for (int h = task.nGroup < kWarps ? warp % task.nGroup : warp; h < task.nGroup && team < nTeams; h += kWarps) {
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
            for (int32_t from = 0; from < task.nParts; from += 32) {
                const int32_t n = min(32, task.nParts - from);
                float4 ahead[kAhead];
#pragma unroll
                for (int a = 0; a < kAhead; ++a) ahead[a] = valueAt(from + min(team + a * nTeams, n - 1));
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
                for (int a = 0; a < kAhead; ++a)
                    if (team + a * nTeams < n) add(team + a * nTeams, ahead[a]);
#pragma unroll 4
                for (int32_t i = team + kAhead * nTeams; i < n; i += nTeams) add(i, valueAt(from + i));
            }
            if (d < hd) *reinterpret_cast<float4*>(sO + (team * task.nGroup + h) * hd + d) = sum;
        }
        if (lane == 0 && team == 0) sMl[h].y = total;
    }
    __syncthreads();
    for (int e = threadIdx.x; e < task.nGroup * hd; e += kWarps * 32) {
        float value = 0.f;
        for (int t = 0; t < nTeams; ++t) value += sO[t * task.nGroup * hd + e];
        const float total = sMl[e / hd].y;
        storeElement(p.out, p.outType, (static_cast<size_t>(task.row) * p.nHeads + task.head) * hd + e,
                     total > 0.f ? value / total : 0.f);
    }
}

/// What a block's warps have published for a segment of a task: written out where it is the whole task, or left as a
/// part, and merged when it was the task's last one. All threads; begins and ends with a barrier. sO: (kWarps,
/// heads.most, hd).
template <int kWarps>
__device__ __forceinline__ void finishSegment(const SpanAttentionParams& p, const SplitPlan& plan,
                                              const HeadGroups& heads, const AttentionTask& task, int32_t chunk,
                                              float* sO, float2* sMl, bool* sLast, int hd) {
    const int tid = threadIdx.x;
    const bool whole = task.nParts == 1;
    __syncthreads();
    const size_t outAt = (static_cast<size_t>(task.row) * p.nHeads + task.head) * hd;
    for (int e = tid; e < task.nGroup * hd; e += kWarps * 32) {
        const int h = e / hd;
        const Partial r = joinWarps<kWarps>(sO, heads.most * hd, sMl, h, e);
        if (whole) {
            storeElement(p.out, p.outType, outAt + e, r.total > 0.f ? r.value / r.total : 0.f);
        } else {
            const size_t slot = slotOf(plan, heads, task, chunk, h);
            p.partialO[slot * hd + e % hd] = r.value;
            if (e % hd == 0) p.partialMl[slot] = make_float2(r.top, r.total);
        }
    }
    if (!whole) {
        __syncthreads();
        if (tid == 0) {
            __threadfence();  // the barrier made the block's writes this thread's
            int32_t* arrived = p.arrived + task.row * heads.nTasksPerRow + task.index;
            *sLast = atomicAdd(arrived, 1) == task.nParts - 1;
            if (*sLast) *arrived = 0;
        }
        __syncthreads();
        if (*sLast) {
            __threadfence();
            mergeParts<kWarps>(p, plan, heads, task, sO, sMl, hd);
        }
    }
    __syncthreads();
}

}  // namespace spanscope::cuda
