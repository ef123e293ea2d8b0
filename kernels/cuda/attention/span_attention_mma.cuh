// One warp's part of a task on the tensor cores: 16-bit KV, headDim 32, 64, 96, 128 or 256.
//
// A page is 16 tokens, as many as an mma tile has, so no operand is rearranged in shared memory: every lane loads 16
// bytes of K or V, and they are its fragments as they are. Two facts make that work. (1) The terms of a dot product may
// come in any order: lane t of a quad takes dims 8t..8t+7 of each 32, and Q is loaded in the same order. (2) V is used
// as V^T: one lane has dims r*8+2j and r*8+2j+1 of two tokens, and one byte permutation pairs the tokens. S = Q K^T has
// the heads as rows (8 of 16 used); its accumulator is, as it is, the B operand of O^T = V^T P^T.
// In span_attention_direct.cuh the next page's K is loaded as soon as this page's K is used, and so V: 4 to 8 KB in
// flight per warp, twelve warps per multiprocessor.
#pragma once

#include "kernels/cuda/attention/span_attention_common.cuh"

namespace spanscope::cuda {

template <class KV, int HD>
struct MmaEngine {
    static constexpr bool kTensorCores = true;
    static constexpr int kBlocksPerSm = directBlocksPerSm(HD);
    static constexpr int kChunks = HD / 32;                // of K: 64 bytes of a token
    static constexpr int kVecDims = HD % 64 == 0 ? 8 : 4;  // dims of V in one load
    static constexpr int kGroups = HD / (8 * kVecDims);    // of V: what 8 lanes cover
    static constexpr int kPairs = kVecDims / 2;

    uint4 k[kChunks][2];
    uint32_t v[kGroups][4][kPairs];  // token 2t, 2t+1, 2t+8, 2t+9
    uint32_t q[kChunks][4];
    float o[kGroups][kPairs][4];
    float m, l;
    int32_t query;  ///< of the row, that the lane's head is of

    /// load16, load8: how a lane gets bytes of the tile, which lies in device or shared memory.
    template <class Load16>
    __device__ __forceinline__ void loadKFragments(const KV* tile, int lane, const Load16& load16) {
        const KV* at = tile + (lane >> 2) * HD + (lane & 3) * 8;
#pragma unroll
        for (int j = 0; j < 2; ++j)
#pragma unroll
            for (int c = 0; c < kChunks; ++c) k[c][j] = load16(at + j * 8 * HD + c * 32);
    }
    template <class Load16, class Load8>
    __device__ __forceinline__ void loadVFragments(const KV* tile, int lane, const Load16& load16, const Load8& load8) {
        const KV* at = tile + (lane & 3) * 2 * HD + (lane >> 2) * kVecDims;
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int g = 0; g < kGroups; ++g) {
                const KV* from = at + ((i & 1) + (i >> 1) * 8) * HD + g * 8 * kVecDims;
                if constexpr (kVecDims == 8) {
                    const uint4 x = load16(from);
                    v[g][i][0] = x.x, v[g][i][1] = x.y, v[g][i][2] = x.z, v[g][i][3] = x.w;
                } else {
                    const uint2 x = load8(from);
                    v[g][i][0] = x.x, v[g][i][1] = x.y;
                }
            }
    }
    __device__ __forceinline__ void loadK(const SpanAttentionParams& p, int32_t page, int32_t kvHead, int lane) {
        loadKFragments(static_cast<const KV*>(p.kv) + kvTile(page, p.nKvHeads, kvHead, 0, HD), lane,
                       [](const void* at) { return loadKv16(at); });
    }
    __device__ __forceinline__ void loadV(const SpanAttentionParams& p, int32_t page, int32_t kvHead, int lane) {
        loadVFragments(
            static_cast<const KV*>(p.kv) + kvTile(page, p.nKvHeads, kvHead, 1, HD), lane,
            [](const void* at) { return loadKv16(at); }, [](const void* at) { return loadKv8(at); });
    }
    /// A task's queries as they are loaded, while the accumulators of the task before are combined.
    struct Queries {
        float4 a[kChunks], b[kChunks];
        int32_t query;
        __device__ __forceinline__ void load(const SpanAttentionParams& p, const AttentionTask& task, int lane) {
            const int r = lane >> 2;
            const int32_t head = r < task.nGroup ? headOf(p, task, r) : -1;
            query = queryOf(p, task, r);
#pragma unroll
            for (int c = 0; c < kChunks; ++c) {
                a[c] = b[c] = make_float4(0.f, 0.f, 0.f, 0.f);
                if (head >= 0) {
                    const float4* at =
                        reinterpret_cast<const float4*>(p.q + static_cast<size_t>(head) * HD + c * 32 + (lane & 3) * 8);
                    a[c] = __ldcg(at);
                    b[c] = __ldcg(at + 1);
                }
            }
        }
    };
    __device__ __forceinline__ void packQ(const Queries& from) {
        query = from.query;
#pragma unroll
        for (int c = 0; c < kChunks; ++c) {
            q[c][0] = pack2<KV>(from.a[c].x, from.a[c].y), q[c][1] = pack2<KV>(from.a[c].z, from.a[c].w);
            q[c][2] = pack2<KV>(from.b[c].x, from.b[c].y), q[c][3] = pack2<KV>(from.b[c].z, from.b[c].w);
        }
    }
    __device__ __forceinline__ void loadQ(const SpanAttentionParams& p, const AttentionTask& task, int lane) {
        Queries queries;
        queries.load(p, task, lane);
        packQ(queries);
    }
    __device__ __forceinline__ void reset() {
        m = -INFINITY;
        l = 0.f;
#pragma unroll
        for (int g = 0; g < kGroups; ++g)
#pragma unroll
            for (int j = 0; j < kPairs; ++j)
#pragma unroll
                for (int i = 0; i < 4; ++i) o[g][j][i] = 0.f;
    }
    __device__ __forceinline__ void scores(float (&s)[2][4]) const {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            s[j][0] = s[j][1] = s[j][2] = s[j][3] = 0.f;
#pragma unroll
            for (int c = 0; c < kChunks; ++c) {
                mma16816<KV>(s[j], q[c][0], 0, q[c][1], 0, k[c][j].x, k[c][j].y);
                mma16816<KV>(s[j], q[c][2], 0, q[c][3], 0, k[c][j].z, k[c][j].w);
            }
        }
    }
    /// Online softmax in base 2 of four scores per lane (head lane/4; tokens 2t, 2t+1 of both halves of the page).
    __device__ __forceinline__ void softmax(const SpanAttentionParams& p, float (&s)[2][4], uint32_t mask, int lane,
                                            uint32_t& b0, uint32_t& b1) {
        if (p.capScale > 0.f) {
#pragma unroll
            for (int j = 0; j < 2; ++j)
#pragma unroll
                for (int i = 0; i < 2; ++i) s[j][i] = fastTanh(s[j][i] * p.capScale);
        }
        const float scaleLog2 = p.scaleLog2;
        if (mask >> kUntilShift) mask = queriesMask(mask, query);
        const uint32_t bits = mask >> ((lane & 3) * 2);
        const float s0 = bits & 1u ? s[0][0] * scaleLog2 : -INFINITY;
        const float s1 = bits & 2u ? s[0][1] * scaleLog2 : -INFINITY;
        const float s2 = bits & 0x100u ? s[1][0] * scaleLog2 : -INFINITY;
        const float s3 = bits & 0x200u ? s[1][1] * scaleLog2 : -INFINITY;
        float top = fmaxf(fmaxf(s0, s1), fmaxf(s2, s3));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        const float before = m;
        m = fmaxf(m, top);
        const float base = m == -INFINITY ? 0.f : m;
        if (__any_sync(0xffffffffu, m > before)) {
            const float alpha = fastExp2(before - base);
            l *= alpha;
            const float a0 = __shfl_sync(0xffffffffu, alpha, (lane & 3) * 8);
            const float a1 = __shfl_sync(0xffffffffu, alpha, (lane & 3) * 8 + 4);
#pragma unroll
            for (int g = 0; g < kGroups; ++g)
#pragma unroll
                for (int j = 0; j < kPairs; ++j) o[g][j][0] *= a0, o[g][j][1] *= a1, o[g][j][2] *= a0, o[g][j][3] *= a1;
        }
        const float p0 = fastExp2(s0 - base), p1 = fastExp2(s1 - base), p2 = fastExp2(s2 - base),
                    p3 = fastExp2(s3 - base);
        l += (p0 + p1) + (p2 + p3);
        b0 = pack2<KV>(p0, p1);
        b1 = pack2<KV>(p2, p3);
    }
    __device__ __forceinline__ void values(uint32_t b0, uint32_t b1) {
#pragma unroll
        for (int g = 0; g < kGroups; ++g)
#pragma unroll
            for (int j = 0; j < kPairs; ++j) {
                const uint32_t a0 = __byte_perm(v[g][0][j], v[g][1][j], 0x5410),
                               a1 = __byte_perm(v[g][0][j], v[g][1][j], 0x7632);
                const uint32_t a2 = __byte_perm(v[g][2][j], v[g][3][j], 0x5410),
                               a3 = __byte_perm(v[g][2][j], v[g][3][j], 0x7632);
                mma16816<KV>(o[g][j], a0, a1, a2, a3, b0, b1);
            }
    }
    /// This warp's accumulators to shared memory: O (heads of a group, HD), (m, l) (kHeadsPerBlock).
    __device__ __forceinline__ void store(float* sO, float2* sMl, int nGroup, int lane, int /*headDim*/) {
        l += __shfl_xor_sync(0xffffffffu, l, 1);
        l += __shfl_xor_sync(0xffffffffu, l, 2);
        const int r = lane >> 2, t = lane & 3;
        if (t == 0) sMl[r] = make_float2(m, l);
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            if (2 * t + h >= nGroup) continue;
            float* at = sO + (2 * t + h) * HD + r * kVecDims;
#pragma unroll
            for (int g = 0; g < kGroups; ++g)
#pragma unroll
                for (int j = 0; j < kPairs; j += 2)
                    *reinterpret_cast<float4*>(at + g * 8 * kVecDims + j * 2) =
                        make_float4(o[g][j][h], o[g][j][2 + h], o[g][j + 1][h], o[g][j + 1][2 + h]);
        }
    }
    __device__ __forceinline__ int headDim(const SpanAttentionParams&) const { return HD; }
};

}  // namespace spanscope::cuda
