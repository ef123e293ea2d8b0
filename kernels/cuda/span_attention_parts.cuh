// What all decode attention kernels share: finding a visit's task, and how the sums of warps and of chunks meet.
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/span_attention.h"

namespace spanscope::cuda {

inline constexpr float kLog2e = 1.4426950408889634f;

/// Query heads in groups of up to eight, KV head by KV head.
struct HeadGroups {
    int32_t perKv, nGroups, nTasksPerRow, most;
    __device__ __forceinline__ explicit HeadGroups(const SpanAttentionParams& p) {
        perKv = p.nHeads / p.nKvHeads;
        nGroups = (perKv + kHeadsPerBlock - 1) / kHeadsPerBlock;
        nTasksPerRow = p.nKvHeads * nGroups;
        most = min(kHeadsPerBlock, perKv);
    }
};

struct AttentionTask {
    int32_t row, index, kvHead, begin, nPages;  ///< index: of the row's tasks; begin: first visit
    int32_t head, nGroup;                       ///< first query head, how many
    int32_t currentPage;
    const KeptPage* kept;

    __device__ __forceinline__ AttentionTask() {}
    __device__ __forceinline__ AttentionTask(const BatchRow& r, const HeadGroups& heads, int32_t rowOf, int32_t indexOf) {
        row = rowOf;
        index = indexOf;
        nPages = r.nKept;
        kept = r.kept;
        currentPage = r.currentPage;
        kvHead = index / heads.nGroups;
        const int32_t skip = index % heads.nGroups * kHeadsPerBlock;
        head = kvHead * heads.perKv + skip;
        nGroup = min(kHeadsPerBlock, heads.perKv - skip);
    }
};

/// The line of split_plan.h: where each row's visits start.
struct VisitLine {
    int32_t start[kMaxBatch + 1];

    /// By the first warp; a block's barrier must follow.
    __device__ __forceinline__ void build(const SpanAttentionParams& p, int32_t nTasksPerRow, int lane) {
        static_assert(kMaxBatch == 64);  // two rows per lane
        const int32_t n0 = 2 * lane < p.nRows ? p.rows[2 * lane].nKept * nTasksPerRow : 0;
        const int32_t n1 = 2 * lane + 1 < p.nRows ? p.rows[2 * lane + 1].nKept * nTasksPerRow : 0;
        int32_t scan = n0 + n1;
#pragma unroll
        for (int o = 1; o < 32; o <<= 1) {
            const int32_t up = __shfl_up_sync(0xffffffffu, scan, o);
            if (lane >= o) scan += up;
        }
        start[2 * lane + 1] = scan - n1;
        start[2 * lane + 2] = scan;
        if (lane == 0) start[0] = 0;
    }
    /// row: a row at or before the visit's, moved on to it.
    __device__ __forceinline__ AttentionTask taskAt(const SpanAttentionParams& p, const HeadGroups& heads, int32_t visit,
                                                    int32_t& row) const {
        while (start[row + 1] <= visit) ++row;
        const BatchRow r = p.rows[row];
        const int32_t index = (visit - start[row]) / r.nKept;
        AttentionTask task(r, heads, row, index);
        task.begin = start[row] + index * r.nKept;
        return task;
    }
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
__device__ __forceinline__ size_t slotOf(const SplitPlan& plan, const HeadGroups& heads, const AttentionTask& task, int32_t chunk, int h) {
    return static_cast<size_t>(partialSlot(plan, chunk, task.begin)) * heads.most + h;
}

/// Merges the nParts parts that the chunks from c0 on left of a task. Warps share the heads, and the parts of a head
/// where there are more warps than heads. sO, sMl: shared memory that nobody else uses, as joinWarps() reads it. Ends
/// without a barrier.
template <int kWarps>
__device__ __forceinline__ void mergeParts(const SpanAttentionParams& p, const SplitPlan& plan, const HeadGroups& heads,
                                           const AttentionTask& task, int32_t c0, int32_t nParts, float* sO, float2* sMl, int hd) {
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    const int nTeams = max(1, kWarps / task.nGroup);  // warps per head
    const int team = task.nGroup < kWarps ? warp / task.nGroup : 0;
    for (int h = task.nGroup < kWarps ? warp % task.nGroup : warp; h < task.nGroup && team < nTeams; h += kWarps) {
        float top = -INFINITY;
        for (int32_t i = lane; i < nParts; i += 32) top = fmaxf(top, __ldcg(p.partialMl + slotOf(plan, heads, task, c0 + i, h)).x);
        top = warpMax(top);
        const float base = top == -INFINITY ? 0.f : top;
        float total = 0.f;
        for (int d = lane * 4; d < hd || d < 128; d += 128) {
            total = 0.f;
            float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
#pragma unroll 8
            for (int32_t i = team; i < nParts; i += nTeams) {
                const size_t slot = slotOf(plan, heads, task, c0 + i, h);
                const float2 ml = __ldcg(p.partialMl + slot);
                const float4 v = d < hd ? __ldcg(reinterpret_cast<const float4*>(p.partialO + slot * hd + d)) : make_float4(0.f, 0.f, 0.f, 0.f);
                const float weight = fastExp2(ml.x - base);
                total += weight * ml.y;
                sum.x += weight * v.x, sum.y += weight * v.y, sum.z += weight * v.z, sum.w += weight * v.w;
            }
            if (d < hd) *reinterpret_cast<float4*>(sO + (team * task.nGroup + h) * hd + d) = sum;
        }
        if (lane == 0) sMl[team * task.nGroup + h] = make_float2(top, total);
    }
    __syncthreads();
    for (int e = threadIdx.x; e < task.nGroup * hd; e += kWarps * 32) {
        float value = 0.f, total = 0.f;
        for (int t = 0; t < nTeams; ++t) {
            value += sO[t * task.nGroup * hd + e];
            total += sMl[t * task.nGroup + e / hd].y;
        }
        storeElement(p.out, p.outType, (static_cast<size_t>(task.row) * p.nHeads + task.head) * hd + e, total > 0.f ? value / total : 0.f);
    }
}

/// What a block's warps have published for a segment of a task, which lies in one chunk: written out where it is the
/// `whole` task, or left as a part, and merged when it was the task's last one. All threads; begins and ends with a
/// barrier. sO: (kWarps, heads.most, hd).
template <int kWarps>
__device__ __forceinline__ void finishSegment(const SpanAttentionParams& p, const SplitPlan& plan, const HeadGroups& heads,
                                              const AttentionTask& task, int32_t chunk, bool whole, float* sO, float2* sMl,
                                              bool* sLast, int hd) {
    const int tid = threadIdx.x;
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
        const int32_t c0 = firstChunk(plan, task.begin), nParts = lastChunk(plan, task.begin + task.nPages) - c0 + 1;
        __threadfence();
        __syncthreads();
        if (tid == 0) {
            int32_t* arrived = p.arrived + task.row * heads.nTasksPerRow + task.index;
            *sLast = atomicAdd(arrived, 1) == nParts - 1;
            if (*sLast) *arrived = 0;
        }
        __syncthreads();
        if (*sLast) {
            __threadfence();
            mergeParts<kWarps>(p, plan, heads, task, c0, nParts, sO, sMl, hd);
        }
    }
    __syncthreads();
}

}  // namespace spanscope::cuda
