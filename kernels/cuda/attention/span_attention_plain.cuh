// One warp's part of a task on the CUDA cores in float32: any KV type, any headDim up to 256. The exact path (F32
// caches) and the one for head sizes that span_attention_mma.cuh does not take. A lane has a token of the page for the
// scores (two lanes halve its dims) and every 32nd dimension for the values. Bound by
// instructions: on an H200 llama-7b at depth 4,096 decodes 81 tokens/s with an F32 cache and 235 with a BF16 one.
#pragma once

#include "kernels/cuda/attention/span_attention_common.cuh"

namespace spanscope::cuda {

template <class KV>
struct PlainEngine {
    static constexpr bool kTensorCores = false;
    static constexpr int kBlocksPerSm = kPlainBlocksPerSm;
    static constexpr int kDims = 256 / 32;  ///< of a lane, at most

    const float* q[kHeadsPerBlock];
    int32_t query[kHeadsPerBlock];  ///< of the row, that a head is of
    int32_t page, kvHead;
    float o[kHeadsPerBlock][kDims];
    float m[kHeadsPerBlock], l[kHeadsPerBlock];

    __device__ __forceinline__ void loadK(const SpanAttentionParams&, int32_t pg, int32_t h, int) {
        page = pg, kvHead = h;
    }
    __device__ __forceinline__ void loadV(const SpanAttentionParams&, int32_t, int32_t, int) {}
    __device__ __forceinline__ void loadQ(const SpanAttentionParams& p, const AttentionTask& task, int) {
#pragma unroll
        for (int h = 0; h < kHeadsPerBlock; ++h) {
            const int32_t head = headOf(p, task, min(h, task.nGroup - 1));
            // A query that the row does not have: any in its place, since it is not stored.
            q[h] = p.q + static_cast<size_t>(head >= 0 ? head : task.row * p.nHeads) * p.headDim;
            query[h] = queryOf(p, task, h);
        }
    }
    __device__ __forceinline__ void reset() {
#pragma unroll
        for (int h = 0; h < kHeadsPerBlock; ++h) {
            m[h] = -INFINITY;
            l[h] = 0.f;
#pragma unroll
            for (int d = 0; d < kDims; ++d) o[h][d] = 0.f;
        }
    }
    __device__ __forceinline__ void visit(const SpanAttentionParams& p, uint32_t mask, int nGroup, int lane) {
        const int hd = p.headDim;
        const KV* kTile = static_cast<const KV*>(p.kv) + kvTile(page, p.nKvHeads, kvHead, 0, hd);
        const KV* vTile = static_cast<const KV*>(p.kv) + kvTile(page, p.nKvHeads, kvHead, 1, hd);
        const int token = lane & 15, from = (lane >> 4) * (hd / 2);
#pragma unroll
        for (int h = 0; h < kHeadsPerBlock; ++h) {
            if (h >= nGroup) break;
            const uint32_t tokens = mask >> kUntilShift ? queriesMask(mask, query[h]) : mask;
            const bool visible = tokens >> token & 1u;
            float s = 0.f;
            if (visible)
                for (int d = 0; d < hd / 2; ++d) s += q[h][from + d] * toFloat(kTile[token * hd + from + d]);
            s += __shfl_xor_sync(0xffffffffu, s, 16);
            if (p.capScale > 0.f) s = tanhf(s * p.capScale);
            s = visible ? s * p.scaleLog2 : -INFINITY;
            const float before = m[h];
            m[h] = fmaxf(before, warpMax(s));
            const float base = m[h] == -INFINITY ? 0.f : m[h];
            const float alpha = exp2f(before - base), w = exp2f(s - base);
            l[h] = l[h] * alpha + 0.5f * warpSum(w);  // both halves of the warp hold every token
#pragma unroll
            for (int d = 0; d < kDims; ++d) o[h][d] *= alpha;
            for (int tk = 0; tk < kPageTokens; ++tk) {
                if (!(tokens >> tk & 1u)) continue;
                const float wt = __shfl_sync(0xffffffffu, w, tk);
#pragma unroll
                for (int d = 0; d < kDims; ++d)
                    if (d * 32 + lane < hd) o[h][d] += wt * toFloat(vTile[tk * hd + d * 32 + lane]);
            }
        }
    }
    __device__ __forceinline__ void store(float* sO, float2* sMl, int nGroup, int lane, int hd) {
#pragma unroll
        for (int h = 0; h < kHeadsPerBlock; ++h) {
            if (lane == 0) sMl[h] = make_float2(m[h], l[h]);
            if (h >= nGroup) continue;
#pragma unroll
            for (int d = 0; d < kDims; ++d)
                if (d * 32 + lane < hd) sO[h * hd + d * 32 + lane] = o[h][d];
        }
    }
    __device__ __forceinline__ int headDim(const SpanAttentionParams& p) const { return p.headDim; }
};

}  // namespace spanscope::cuda
