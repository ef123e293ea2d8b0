// The idea: a warp owns a pair of rows and streams both with 16-byte loads, the next batch of loads in flight while the
// current one is multiplied; x sits in shared memory as float, in two planes so that 16-byte reads have no bank
// conflicts. Bytes: every weight once; x once per block from L2. 2 operations per weight and row of x: bound by memory.
// RMSNorm is folded in (each block normalises x for itself, 16 KB from L2), RoPE, KV append, SiLU and the residual too,
// so a layer is five launches. The first batch of weights is requested before waiting for the previous kernel, which
// hides launch, normalisation and the previous kernel's tail.
// Tried and dropped: the weights through a ring of 144 to 192 KB in shared memory (cp.async), one block per multiprocessor
// on a pair of rows. 97.6 us for a layer of llama-7b, 107.4 here, when eight layers are visited in turn; inside a whole
// model of 13 GB beside its cache 4,102 us a step for 3,827, each block reading from a region of its own.
// Pairs, not rows: the pair is what rotates together (RoPE) or multiplies together (gate, up).
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/gemv.h"

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
        f[0] = __uint_as_float(a.x), f[1] = __uint_as_float(a.y), f[2] = __uint_as_float(a.z), f[3] = __uint_as_float(a.w);
        f[4] = __uint_as_float(b.x), f[5] = __uint_as_float(b.y), f[6] = __uint_as_float(b.z), f[7] = __uint_as_float(b.w);
    }
};

__device__ __forceinline__ void pairRows(const GemvParams& p, int32_t pair, int32_t& r0, int32_t& r1) {
    if (p.role == GemvRole::SiluMul) {
        r0 = pair;
        r1 = pair + p.nPairs;
    } else if (p.role == GemvRole::Qkv && !p.interleaved) {
        const int32_t half = p.headDim / 2;
        r0 = pair / half * p.headDim + pair % half;
        r1 = r0 + half;
    } else {
        r0 = 2 * pair;
        r1 = r0 + 1 < p.nRows ? r0 + 1 : r0;
    }
}

/// What becomes of the two sums of row m of x. Called by one lane.
__device__ __forceinline__ void finishPair(const GemvParams& p, int32_t pair, int32_t m, float s0, float s1) {
    int32_t r0, r1;
    pairRows(p, pair, r0, r1);
    if (p.bias) {
        s0 += p.bias[r0];
        s1 += p.bias[r1];
    }
    float* y = p.y + static_cast<size_t>(m) * p.yStride;
    switch (p.role) {
        case GemvRole::Plain:
            y[r0] = s0;
            if (r1 != r0) y[r1] = s1;
            break;
        case GemvRole::Residual:
            y[r0] = __ldcg(y + r0) + s0;
            if (r1 != r0) y[r1] = __ldcg(y + r1) + s1;
            break;
        case GemvRole::SiluMul:
            y[r0] = s0 / (1.f + __expf(-s0)) * s1;
            break;
        case GemvRole::Qkv: {
            const BatchRow row = p.rows[m];
            if (row.position < 0) return;
            const int32_t half = p.headDim / 2;
            const int32_t head = pair / half, i = pair % half;
            const bool isV = head >= p.nHeads + p.nKvHeads;
            if (!isV) {
                const float2 cs = p.rotation[m * half + i];
                const float a = s0 * cs.x - s1 * cs.y, b = s1 * cs.x + s0 * cs.y;
                s0 = a;
                s1 = b;
            }
            if (head < p.nHeads) {
                y[r0] = s0;
                y[r1] = s1;
                return;
            }
            const int32_t kvHead = head - p.nHeads - (isV ? p.nKvHeads : 0);
            const size_t at = kvTile(row.currentPage, p.nKvHeads, kvHead, isV, p.headDim) +
                              static_cast<size_t>(row.position % kPageTokens) * p.headDim;
            storeElement(p.kv, p.kvType, at + (r0 - head * p.headDim), s0);
            storeElement(p.kv, p.kvType, at + (r1 - head * p.headDim), s1);
            break;
        }
    }
}

/// x, normalised when there is a gain, quad by quad to `put(row, quad, values)`; ends with a barrier.
template <int M, class Put>
__device__ __forceinline__ void stageNormalised(const GemvParams& p, float (&sSum)[M][kGemvWarps], const Put& put) {
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nQuads = p.k / 4;
    if (p.gain) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
            float sum = 0.f;
            const float4* x = reinterpret_cast<const float4*>(p.x + static_cast<size_t>(m) * p.k);
            for (int32_t i = tid; i < nQuads; i += kGemvThreads) {
                const float4 v = __ldcg(x + i);
                sum += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            }
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
        const float4* x = reinterpret_cast<const float4*>(p.x + static_cast<size_t>(m) * p.k);
        for (int32_t i = tid; i < nQuads; i += kGemvThreads) {
            float4 v = __ldcg(x + i);
            if (p.gain) {
                const float4 g = reinterpret_cast<const float4*>(p.gain)[i];
                v.x *= scale * g.x, v.y *= scale * g.y, v.z *= scale * g.z, v.w *= scale * g.w;
            }
            put(m, i, v);
        }
    }
    __syncthreads();
}

/// A warp's sums for a pair become its results; the sums are cleared.
template <int M>
__device__ __forceinline__ void finishSums(const GemvParams& p, int32_t pair, int lane, float (&acc0)[M], float (&acc1)[M]) {
    float s0 = 0.f, s1 = 0.f;
#pragma unroll
    for (int m = 0; m < M; ++m) {
        const float t0 = warpSum(acc0[m]), t1 = warpSum(acc1[m]);
        if (lane == m) s0 = t0, s1 = t1;
        acc0[m] = acc1[m] = 0.f;
    }
    if (lane < M) finishPair(p, pair, lane, s0, s1);
}

/// A number known when compiling, as an argument.
template <int i>
struct Index {
    static constexpr int value = i;
};

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

    waitForPrevious();
    letNextStart();

    const float4* planeA;
    int32_t step, planeB, rowStep;  // in float4: octet o of row m is at planeA[m*rowStep + o*step] and + planeB
    if (p.stageX) {
        stageNormalised<M>(p, sSum, [&](int m, int32_t i, float4 v) { sX[(m * 2 + (i & 1)) * nOctets + (i >> 1)] = v; });
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
                    acc0[m] += w0[0] * a.x + w0[1] * a.y + w0[2] * a.z + w0[3] * a.w;
                    acc0[m] += w0[4] * b.x + w0[5] * b.y + w0[6] * b.z + w0[7] * b.w;
                    acc1[m] += w1[0] * a.x + w1[1] * a.y + w1[2] * a.z + w1[3] * a.w;
                    acc1[m] += w1[4] * b.x + w1[5] * b.y + w1[6] * b.z + w1[7] * b.w;
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

#define SPANSCOPE_GEMV_OF(W)                                                                                        \
    template <>                                                                                                     \
    cudaError_t launchGemvOf<W>(const LaunchContext& ctx, const GemvParams& params, size_t sharedBytes) {           \
        const int32_t wanted = (params.nPairs + kGemvWarps - 1) / kGemvWarps;                                       \
        const dim3 grid(wanted < 2 * ctx.nSm ? wanted : 2 * ctx.nSm), block(kGemvThreads);                          \
        GemvParams p = params;                                                                                      \
        p.ahead.shareOut(grid.x);                                                                                   \
        if (p.m == 1) return launch(ctx, gemvKernel<W, 1>, grid, block, sharedBytes, p);                            \
        if (p.m == 2) return launch(ctx, gemvKernel<W, 2>, grid, block, sharedBytes, p);                            \
        return launch(ctx, gemvKernel<W, 4>, grid, block, sharedBytes, p);                                          \
    }                                                                                                               \
    template <>                                                                                                     \
    cudaError_t prepareGemvOf<W>(int maxSharedBytes) {                                                              \
        const auto raise = [&](const void* kernel) {                                                                \
            return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, maxSharedBytes);       \
        };                                                                                                          \
        cudaError_t status = raise(reinterpret_cast<const void*>(gemvKernel<W, 1>));                                \
        if (status == cudaSuccess) status = raise(reinterpret_cast<const void*>(gemvKernel<W, 2>));                 \
        if (status == cudaSuccess) status = raise(reinterpret_cast<const void*>(gemvKernel<W, 4>));                 \
        return status;                                                                                              \
    }

}  // namespace spanscope::cuda
