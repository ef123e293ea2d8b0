// GEMV for up to four rows of x. A warp owns a pair of rows of W and streams both with 16-byte loads, double-buffered
// in registers: the next batch of loads is in flight while the current one is multiplied. x lies in shared memory as
// float32, the even quads of four values apart from the odd ones (two planes), so that 16-byte reads are free of bank
// conflicts. Bytes: every weight once; x once per block, from L2. 2 operations per weight and row of x: bound by memory
// bandwidth. RMSNorm is fused (each block normalises x for itself, 16 KB from L2; a product
// that joins x behind a norm of its own likewise), and so are RoPE, KV append, SiLU and
// residual: a layer is five launches. The first batch of weights is loaded before gridDependencySync(), which hides the
// launch, the normalisation and the tail of the kernel before. For compute capability 9.0 there is gemv_ring.cuh, which
// shares this file's prologue and epilogue.
#pragma once

#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/product.cuh"

namespace spanscope::cuda {

inline constexpr int kGemvWarps = kGemvThreads / 32;

/// Eight weights as they are stored.
template <class W>
struct Packed8 {
    uint4 v;
    __device__ __forceinline__ void load(const W* p) { v = loadWeights16(p); }
    __device__ __forceinline__ void clear() { v = make_uint4(0, 0, 0, 0); }
    __device__ __forceinline__ void unpack(float (&f)[8]) const {
        const float2 a = unpack2<W>(v.x), b = unpack2<W>(v.y), c = unpack2<W>(v.z), d = unpack2<W>(v.w);
        f[0] = a.x, f[1] = a.y, f[2] = b.x, f[3] = b.y, f[4] = c.x, f[5] = c.y, f[6] = d.x, f[7] = d.y;
    }
};
template <>
struct Packed8<float> {
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

/// The part of the norm's gain that a thread needs first, loaded before gridDependencySync().
struct GainPrefetch {
    static constexpr int kQuads = kGemvHeldQuads;  // per thread, all of it up to k = 4,096
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

__device__ __forceinline__ float sumOfSquares(const float4& v) { return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; }

/// A block's sum of what each of its threads has. Ends as it begins: nobody reads or writes sSum.
__device__ __forceinline__ float gemvBlockSum(float sum, float (&sSum)[kGemvWarps]) {
    sum = warpSum(sum);
    if ((threadIdx.x & 31) == 0) sSum[threadIdx.x >> 5] = sum;
    __syncthreads();
    sum = 0.f;
#pragma unroll
    for (int w = 0; w < kGemvWarps; ++w) sum += sSum[w];
    __syncthreads();
    return sum;
}

/// Adds the normalised addend to a thread's quads of x. All blocks do so for themselves, and the first one keeps the
/// sum.
__device__ __forceinline__ void joinAddend(const GemvParams& p, float4 (&x)[kGemvHeldQuads],
                                           float (&sSum)[kGemvWarps]) {
    const float4 zero = make_float4(0.f, 0.f, 0.f, 0.f);
    const int32_t nQuads = p.k / 4;
    float4 y[kGemvHeldQuads], g[kGemvHeldQuads];
#pragma unroll
    for (int q = 0; q < kGemvHeldQuads; ++q) {
        const int32_t i = threadIdx.x + q * kGemvThreads;
        y[q] = i < nQuads ? __ldcg(reinterpret_cast<const float4*>(p.addend) + i) : zero;
        g[q] = i < nQuads ? __ldg(reinterpret_cast<const float4*>(p.addendGain) + i) : zero;
    }
    float sum = 0.f;
#pragma unroll
    for (int q = 0; q < kGemvHeldQuads; ++q) sum += sumOfSquares(y[q]);
    const float scale = rsqrtf(gemvBlockSum(sum, sSum) / p.k + p.eps);
#pragma unroll
    for (int q = 0; q < kGemvHeldQuads; ++q) {
        const int32_t i = threadIdx.x + q * kGemvThreads;
        x[q].x += y[q].x * (scale * g[q].x), x[q].y += y[q].y * (scale * g[q].y);
        x[q].z += y[q].z * (scale * g[q].z), x[q].w += y[q].w * (scale * g[q].w);
        if (p.joined && blockIdx.x == 0 && i < nQuads) reinterpret_cast<float4*>(p.joined)[i] = x[q];
    }
}

/// The prologue: x, with what joins it, normalised where there is a gain, quad by quad to `put(row, quad, values)`. A
/// single row stays in registers between the sum of its squares and its use, as far as GainPrefetch reaches. Ends with
/// a barrier.
template <int M, bool kJoins, class Put>
__device__ __forceinline__ void stageNormalised(const GemvParams& p, const GainPrefetch& gain,
                                                float (&sSum)[M][kGemvWarps], const Put& put) {
    constexpr int kHeld = M == 1 ? kGemvHeldQuads : 0;
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nQuads = p.k / 4;
    const auto rowOf = [&](int m) { return reinterpret_cast<const float4*>(p.x + static_cast<size_t>(m) * p.k); };
    float4 held[kHeld > 0 ? kHeld : 1];
#pragma unroll
    for (int q = 0; q < kHeld; ++q) {
        const int32_t i = tid + q * kGemvThreads;
        held[q] = i < nQuads ? __ldcg(rowOf(0) + i) : make_float4(0.f, 0.f, 0.f, 0.f);
    }
    if constexpr (kJoins)
        if (p.addend) joinAddend(p, held, sSum[0]);
    if (p.gain) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
            float sum = 0.f;
#pragma unroll
            for (int q = 0; q < kHeld; ++q) sum += sumOfSquares(held[q]);
            for (int32_t i = tid + kHeld * kGemvThreads; i < nQuads; i += kGemvThreads)
                sum += sumOfSquares(__ldcg(rowOf(m) + i));
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
        for (int q = 0; q < GainPrefetch::kQuads; ++q) {
            const int32_t i = tid + q * kGemvThreads;
            if (i < nQuads)
                putScaled(i, kHeld > 0 ? held[q % (kHeld > 0 ? kHeld : 1)] : __ldcg(rowOf(m) + i), gain.quad[q]);
        }
        for (int32_t i = tid + GainPrefetch::kQuads * kGemvThreads; i < nQuads; i += kGemvThreads)
            putScaled(i, __ldcg(rowOf(m) + i),
                      p.gain ? reinterpret_cast<const float4*>(p.gain)[i] : make_float4(0.f, 0.f, 0.f, 0.f));
    }
    __syncthreads();
}

/// Adds up the lanes' sums for a pair, and ends the pair; the sums are zero again.
template <int M>
__device__ __forceinline__ void reducePair(const GemvParams& p, int32_t pair, int lane, float (&acc0)[M],
                                           float (&acc1)[M]) {
    float s0 = 0.f, s1 = 0.f;
#pragma unroll
    for (int m = 0; m < M; ++m) {
        const float t0 = warpSum(acc0[m]), t1 = warpSum(acc1[m]);
        if (lane == m) s0 = t0, s1 = t1;
        acc0[m] = acc1[m] = 0.f;
    }
    if (lane < M) pairEpilogue(p, pair, lane, s0, s1);
}

/// sum += w (8) times a, b (4 each).
__device__ __forceinline__ void addProducts(float& sum, const float (&w)[8], const float4& a, const float4& b) {
    sum += w[0] * a.x + w[1] * a.y + w[2] * a.z + w[3] * a.w;
    sum += w[4] * b.x + w[5] * b.y + w[6] * b.z + w[7] * b.w;
}

/// U loads of a lane from each row of a pair.
template <class Piece, int U>
struct PairBatch {
    Piece row0[U], row1[U];
};

/// A warp's walk over its pairs of rows, in batches of loads, double-buffered: the next batch is loaded before the
/// current one is multiplied. next: batch 0 of the warp's first pair. load(batch, pair, b): batch b of a pair.
/// multiply(batch, b, sums of row 0, of row 1).
template <int M, class Batch, class Load, class Multiply>
__device__ __forceinline__ void forEachPair(const GemvParams& p, int32_t firstPair, int32_t nBatches, Batch& next,
                                            const Load& load, const Multiply& multiply) {
    const int32_t stride = gridDim.x * kGemvWarps;
    int32_t pair = firstPair, batch = 0;
    float acc0[M] = {}, acc1[M] = {};
    while (pair < p.nPairs) {
        const Batch current = next;
        int32_t nextPair = pair, nextBatch = batch + 1;
        if (nextBatch == nBatches) {
            nextBatch = 0;
            nextPair += stride;
        }
        if (nextPair < p.nPairs) load(next, nextPair, nextBatch);
        multiply(current, batch, acc0, acc1);
        if (nextBatch == 0) reducePair<M>(p, pair, threadIdx.x & 31, acc0, acc1);
        pair = nextPair;
        batch = nextBatch;
    }
}

/// kJoins: an addend may join x (M = 1); a kernel of its own, so that others keep its registers.
template <class W, int M, bool kJoins>
__global__ void __launch_bounds__(kGemvThreads, 2) gemvKernel(const GemvParams p) {
    constexpr int U = sizeof(W) == 4 ? 2 : 4;  // loads of 8 weights per lane, row and batch
    extern __shared__ float4 sX[];             // [M][2 planes][k / 8]
    __shared__ float sSum[M][kGemvWarps];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nOctets = p.k / 8;
    const int32_t nBatches = (nOctets + 32 * U - 1) / (32 * U);
    const int32_t firstPair = blockIdx.x * kGemvWarps + warp;

    using Batch = PairBatch<Packed8<W>, U>;
    Batch next;
    const auto load = [&](Batch& to, int32_t pair, int32_t b) {
        int32_t r0, r1;
        pairRows(p, pair, r0, r1);
        const W* w0 = static_cast<const W*>(p.w) + static_cast<size_t>(r0) * p.k;
        const W* w1 = static_cast<const W*>(p.w) + static_cast<size_t>(r1) * p.k;
#pragma unroll
        for (int u = 0; u < U; ++u) {
            const int32_t o = (b * U + u) * 32 + lane;
            if (o < nOctets) {
                to.row0[u].load(w0 + o * 8);
                to.row1[u].load(w1 + o * 8);
            } else {
                to.row0[u].clear();
                to.row1[u].clear();
            }
        }
    };
    if (firstPair < p.nPairs) load(next, firstPair, 0);
    GainPrefetch gain;
    gain.load(p);

    gridDependencySync();
    launchDependents();

    // In float4: octet o of row m of x is at x[m * rowStride + o * octetStride], and its second quad secondQuad on.
    const float4* x;
    int32_t octetStride, secondQuad, rowStride;
    if (p.stageX) {
        stageNormalised<M, kJoins>(p, gain, sSum,
                                   [&](int m, int32_t i, float4 v) { sX[(m * 2 + (i & 1)) * nOctets + (i >> 1)] = v; });
        x = sX;
        octetStride = 1;
        secondQuad = nOctets;
        rowStride = 2 * nOctets;
    } else {
        x = reinterpret_cast<const float4*>(p.x);
        octetStride = 2;
        secondQuad = 1;
        rowStride = p.k / 4;
    }
    forEachPair<M>(p, firstPair, nBatches, next, load,
                   [&](const Batch& batch, int32_t b, float(&acc0)[M], float(&acc1)[M]) {
#pragma unroll
                       for (int u = 0; u < U; ++u) {
                           const int32_t o = (b * U + u) * 32 + lane;
                           if (o < nOctets) {
                               float w0[8], w1[8];
                               batch.row0[u].unpack(w0);
                               batch.row1[u].unpack(w1);
#pragma unroll
                               for (int m = 0; m < M; ++m) {
                                   const float4 a = x[m * rowStride + o * octetStride];
                                   const float4 c = x[m * rowStride + o * octetStride + secondQuad];
                                   addProducts(acc0[m], w0, a, c);
                                   addProducts(acc1[m], w1, a, c);
                               }
                           }
                       }
                   });
    if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);
}

/// Instantiated in gemv_{f32,f16,bf16}.cu, one file per type so that they compile side by side.
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
