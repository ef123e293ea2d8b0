// The idea: a warp owns a pair of rows and streams both with 16-byte loads, the next batch of loads in flight while the
// current one is multiplied; x sits in shared memory as float, in two planes so that 16-byte reads have no bank
// conflicts. Bytes: every weight once; x once per block from L2. 2 operations per weight and row of x: bound by memory.
// RMSNorm is folded in (each block normalises x for itself, 16 KB from L2), RoPE, KV append, SiLU and the residual too,
// so a layer is five launches. The first batch of weights is requested before waiting for the previous kernel, which
// hides launch, normalisation and the previous kernel's tail.
// For compute capability 9.0 there is gemv_ring.cuh, which shares this file's staging.
#pragma once

#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/product.cuh"

namespace spanscope::cuda {

inline constexpr int kGemvThreads = 256;
inline constexpr int kGemvWarps = kGemvThreads / 32;

/// Eight weights as they lie in memory.
template <class W>
struct Raw8 {
    uint4 v;
    __device__ __forceinline__ void load(const W* p) { v = loadWeights16(p); }
    __device__ __forceinline__ void clear() { v = make_uint4(0, 0, 0, 0); }
    __device__ __forceinline__ void unpack(float (&f)[8]) const {
        const float2 a = unpack2<W>(v.x), b = unpack2<W>(v.y), c = unpack2<W>(v.z), d = unpack2<W>(v.w);
        f[0] = a.x, f[1] = a.y, f[2] = b.x, f[3] = b.y, f[4] = c.x, f[5] = c.y, f[6] = d.x, f[7] = d.y;
    }
};
template <>
struct Raw8<float> {
    uint4 a, b;
    __device__ __forceinline__ void load(const float* p) { a = loadWeights16(p), b = loadWeights16(p + 4); }
    __device__ __forceinline__ void clear() { a = b = make_uint4(0, 0, 0, 0); }
    __device__ __forceinline__ void unpack(float (&f)[8]) const {
        f[0] = __uint_as_float(a.x), f[1] = __uint_as_float(a.y), f[2] = __uint_as_float(a.z),
        f[3] = __uint_as_float(a.w);
        f[4] = __uint_as_float(b.x), f[5] = __uint_as_float(b.y), f[6] = __uint_as_float(b.z),
        f[7] = __uint_as_float(b.w);
    }
};

/// What of the gain a thread needs first, asked for before the previous kernel is done.
struct GainAhead {
    static constexpr int kQuads = 4;  // per thread, all of it up to k = 4,096
    float4 quad[kQuads];
    __device__ __forceinline__ void load(const GemvParams& p) {
        if (!p.gain) return;
#pragma unroll
        for (int q = 0; q < kQuads; ++q) {
            const int32_t i = threadIdx.x + q * kGemvThreads;
            if (i < p.k / 4) quad[q] = __ldg(reinterpret_cast<const float4*>(p.gain) + i);
        }
    }
};

/// x, normalised when there is a gain, quad by quad to `put(row, quad, values)`; ends with a barrier. One row stays in
/// registers between the sum of its squares and its use, as far as GainAhead reaches.
template <int M, class Put>
__device__ __forceinline__ void stageNormalised(const GemvParams& p, const GainAhead& gain,
                                                float (&sSum)[M][kGemvWarps], const Put& put) {
    constexpr int kHeld = M == 1 ? GainAhead::kQuads : 0;
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nQuads = p.k / 4;
    const auto rowOf = [&](int m) { return reinterpret_cast<const float4*>(p.x + static_cast<size_t>(m) * p.k); };
    float4 held[kHeld > 0 ? kHeld : 1];
#pragma unroll
    for (int q = 0; q < kHeld; ++q) {
        const int32_t i = tid + q * kGemvThreads;
        held[q] = i < nQuads ? __ldcg(rowOf(0) + i) : make_float4(0.f, 0.f, 0.f, 0.f);
    }
    const auto squares = [](const float4& v) { return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; };
    if (p.gain) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
            float sum = 0.f;
#pragma unroll
            for (int q = 0; q < kHeld; ++q) sum += squares(held[q]);
            for (int32_t i = tid + kHeld * kGemvThreads; i < nQuads; i += kGemvThreads)
                sum += squares(__ldcg(rowOf(m) + i));
            sum = warpSum(sum);
            if (lane == 0) sSum[m][warp] = sum;
        }
        __syncthreads();
    }
#pragma unroll
    for (int m = 0; m < M; ++m) {
        float scale = 1.f;
        if (p.gain) {
            float sum = 0.f;
#pragma unroll
            for (int w = 0; w < kGemvWarps; ++w) sum += sSum[m][w];
            scale = rsqrtf(sum / p.k + p.eps);
        }
        const auto putScaled = [&](int32_t i, float4 v, const float4& g) {
            if (p.gain) v.x *= scale * g.x, v.y *= scale * g.y, v.z *= scale * g.z, v.w *= scale * g.w;
            put(m, i, v);
        };
#pragma unroll
        for (int q = 0; q < GainAhead::kQuads; ++q) {
            const int32_t i = tid + q * kGemvThreads;
            if (i < nQuads)
                putScaled(i, kHeld > 0 ? held[q % (kHeld > 0 ? kHeld : 1)] : __ldcg(rowOf(m) + i), gain.quad[q]);
        }
        for (int32_t i = tid + GainAhead::kQuads * kGemvThreads; i < nQuads; i += kGemvThreads)
            putScaled(i, __ldcg(rowOf(m) + i),
                      p.gain ? reinterpret_cast<const float4*>(p.gain)[i] : make_float4(0.f, 0.f, 0.f, 0.f));
    }
    __syncthreads();
}

/// A warp's sums for a pair become its results; the sums are cleared.
template <int M>
__device__ __forceinline__ void finishSums(const GemvParams& p, int32_t pair, int lane, float (&acc0)[M],
                                           float (&acc1)[M]) {
    float s0 = 0.f, s1 = 0.f;
#pragma unroll
    for (int m = 0; m < M; ++m) {
        const float t0 = warpSum(acc0[m]), t1 = warpSum(acc1[m]);
        if (lane == m) s0 = t0, s1 = t1;
        acc0[m] = acc1[m] = 0.f;
    }
    if (lane < M) finishPair(p, pair, lane, s0, s1);
}

/// sum += w (8) times a, b (4 each).
__device__ __forceinline__ void addProducts(float& sum, const float (&w)[8], const float4& a, const float4& b) {
    sum += w[0] * a.x + w[1] * a.y + w[2] * a.z + w[3] * a.w;
    sum += w[4] * b.x + w[5] * b.y + w[6] * b.z + w[7] * b.w;
}

template <class W, int M>
__global__ void __launch_bounds__(kGemvThreads, 2) gemvKernel(const GemvParams p) {
    constexpr int U = sizeof(W) == 4 ? 2 : 4;  // batches of U loads of 8 weights per lane and row
    extern __shared__ float4 sX[];             // [M][2 planes][k / 8]
    __shared__ float sSum[M][kGemvWarps];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nOctets = p.k / 8;
    const int32_t nBatches = (nOctets + 32 * U - 1) / (32 * U);
    const int32_t stride = gridDim.x * kGemvWarps;
    int32_t pair = blockIdx.x * kGemvWarps + warp, batch = 0;

    Raw8<W> next0[U], next1[U];
    const auto fetch = [&](int32_t pr, int32_t b) {
        int32_t r0, r1;
        pairRows(p, pr, r0, r1);
        const W* w0 = static_cast<const W*>(p.w) + static_cast<size_t>(r0) * p.k;
        const W* w1 = static_cast<const W*>(p.w) + static_cast<size_t>(r1) * p.k;
#pragma unroll
        for (int u = 0; u < U; ++u) {
            const int32_t o = (b * U + u) * 32 + lane;
            if (o < nOctets) {
                next0[u].load(w0 + o * 8);
                next1[u].load(w1 + o * 8);
            } else {
                next0[u].clear();
                next1[u].clear();
            }
        }
    };
    if (pair < p.nPairs) fetch(pair, 0);
    GainAhead gain;
    gain.load(p);

    waitForPrevious();
    letNextStart();

    const float4* planeA;
    int32_t step, planeB, rowStep;  // in float4: octet o of row m is at planeA[m*rowStep + o*step] and + planeB
    if (p.stageX) {
        stageNormalised<M>(p, gain, sSum,
                           [&](int m, int32_t i, float4 v) { sX[(m * 2 + (i & 1)) * nOctets + (i >> 1)] = v; });
        planeA = sX;
        step = 1;
        planeB = nOctets;
        rowStep = 2 * nOctets;
    } else {
        planeA = reinterpret_cast<const float4*>(p.x);
        step = 2;
        planeB = 1;
        rowStep = p.k / 4;
    }

    float acc0[M] = {}, acc1[M] = {};
    while (pair < p.nPairs) {
        Raw8<W> cur0[U], cur1[U];
#pragma unroll
        for (int u = 0; u < U; ++u) cur0[u] = next0[u], cur1[u] = next1[u];
        int32_t nextPair = pair, nextBatch = batch + 1;
        if (nextBatch == nBatches) {
            nextBatch = 0;
            nextPair += stride;
        }
        if (nextPair < p.nPairs) fetch(nextPair, nextBatch);
#pragma unroll
        for (int u = 0; u < U; ++u) {
            const int32_t o = (batch * U + u) * 32 + lane;
            if (o < nOctets) {
                float w0[8], w1[8];
                cur0[u].unpack(w0);
                cur1[u].unpack(w1);
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    const float4 a = planeA[m * rowStep + o * step];
                    const float4 b = planeA[m * rowStep + o * step + planeB];
                    addProducts(acc0[m], w0, a, b);
                    addProducts(acc1[m], w1, a, b);
                }
            }
        }
        if (nextBatch == 0) finishSums<M>(p, pair, lane, acc0, acc1);
        pair = nextPair;
        batch = nextBatch;
    }
    if (tid == 0) askAhead(p.ahead, blockIdx.x);
}

/// Instantiations live in gemv_{f32,f16,bf16}.cu, one file per type so that they compile side by side.
template <class W>
cudaError_t launchGemvOf(const LaunchContext& ctx, const GemvParams& params, size_t sharedBytes);
template <class W>
cudaError_t prepareGemvOf(int maxSharedBytes);

/// fn(Index<m>) for the row counts there are kernels for.
template <class Fn>
cudaError_t withRows(int32_t m, const Fn& fn) {
    return m == 1 ? fn(Index<1>()) : m == 2 ? fn(Index<2>()) : fn(Index<4>());
}

}  // namespace spanscope::cuda
