// Each kernel moves q, k and v once. Limit: memory bandwidth in prompts, launch latency in a decode step, which is why
// everything that older kernels have written (rows, rotation) and gains are read before gridDependencySync().
#include "kernels/cuda/step/rope_append.h"

#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kHeadWarps = 4;     ///< of a block that normalises heads
constexpr int kHeadPairs = 4;     ///< of a lane
constexpr int kRowThreads = 512;  ///< of a block that normalises a row

/// Where a row's key and value go. position < 0: an idle row.
struct Place {
    int32_t position, page;
    __device__ __forceinline__ Place(const RopeAppendParams& p, int32_t row) {
        if (p.batchRows) {
            position = p.batchRows[row].position;
            page = p.batchRows[row].currentPage;
        } else {
            position = p.position0 + row;
            page = p.table[position / kPageTokens];
        }
    }
};

/// Pair i of head `head`: the queries' heads, then the keys', then the values'.
struct HeadPair {
    int32_t head, i, d0, d1;
    __device__ __forceinline__ HeadPair(const RopeAppendParams& p, int32_t headIndex, int32_t pairIndex)
        : head(headIndex), i(pairIndex) {
        const bool split = !p.interleaved && i < p.nRotated;
        d0 = split ? i : 2 * i;
        d1 = split ? i + p.nRotated : 2 * i + 1;
    }
    __device__ __forceinline__ bool isQ(const RopeAppendParams& p) const { return head < p.nHeads; }
    __device__ __forceinline__ bool isV(const RopeAppendParams& p) const { return head >= p.nHeads + p.nKvHeads; }

    __device__ __forceinline__ float2 load(const RopeAppendParams& p, int32_t row) const {
        const size_t at = (static_cast<size_t>(row) * (p.nHeads + 2 * p.nKvHeads) + head) * p.headDim;
        float2 v = make_float2(loadElement(p.qkv, p.inType, at + d0), loadElement(p.qkv, p.inType, at + d1));
        if (p.bias) {
            v.x += p.bias[head * p.headDim + d0];
            v.y += p.bias[head * p.headDim + d1];
        }
        return v;
    }
    __device__ __forceinline__ float2 rotation(const RopeAppendParams& p, int32_t row) const {
        return i < p.nRotated && !isV(p) ? p.rotation[static_cast<size_t>(row) * (p.headDim / 2) + i]
                                         : make_float2(1.f, 0.f);
    }
    /// Rotates by `cs` and stores.
    __device__ __forceinline__ void finish(const RopeAppendParams& p, int32_t row, const Place& place, float2 v,
                                           float2 cs) const {
        const float a = v.x * cs.x - v.y * cs.y, b = v.y * cs.x + v.x * cs.y;
        if (isQ(p)) {
            const size_t at = (static_cast<size_t>(row) * p.nHeads + head) * p.headDim;
            storeElement(p.q, p.qType, at + d0, a);
            storeElement(p.q, p.qType, at + d1, b);
            return;
        }
        const int32_t kvHead = head - p.nHeads - (isV(p) ? p.nKvHeads : 0);
        const size_t at = kvTile(place.page, p.nKvHeads, kvHead, isV(p), p.headDim) +
                          static_cast<size_t>(place.position % kPageTokens) * p.headDim;
        storeElement(p.kv, p.kvType, at + d0, a);
        storeElement(p.kv, p.kvType, at + d1, b);
    }
};

/// Memory idles while a step's heads are normalised and rotated.
__device__ __forceinline__ void prefetchAfter(const RopeAppendParams& p) {
    if (threadIdx.x == 0) prefetchWeights(p.prefetch, static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x);
}

/// No norm: a thread per pair of values that rotate together.
__global__ void __launch_bounds__(kThreads) ropeAppendKernel(const RopeAppendParams p) {
    const int32_t row = blockIdx.y, half = p.headDim / 2, nAll = p.nHeads + 2 * p.nKvHeads;
    const int32_t index = blockIdx.x * kThreads + threadIdx.x;
    const HeadPair pair(p, index / half, index % half);
    const bool mine = pair.head < nAll;
    const Place place(p, row);
    const float2 cs = mine ? pair.rotation(p, row) : make_float2(1.f, 0.f);
    gridDependencySync();
    launchDependents();
    prefetchAfter(p);
    if (!mine || place.position < 0) return;
    pair.finish(p, row, place, pair.load(p, row), cs);
}

/// Each head by itself: a warp per head, whose values stay in registers between the sum of their squares and their use.
__global__ void __launch_bounds__(kHeadWarps * 32) headNormRopeAppendKernel(const RopeAppendParams p) {
    const int lane = threadIdx.x & 31;
    const int32_t row = blockIdx.y, head = blockIdx.x * kHeadWarps + static_cast<int32_t>(threadIdx.x >> 5);
    const int32_t half = p.headDim / 2, nAll = p.nHeads + 2 * p.nKvHeads;
    const bool isV = head >= p.nHeads + p.nKvHeads;
    const float* gain = head < p.nHeads ? p.qNorm : p.kNorm;
    const Place place(p, row);
    float2 g[kHeadPairs], cs[kHeadPairs], v[kHeadPairs];
#pragma unroll
    for (int j = 0; j < kHeadPairs; ++j) {
        const HeadPair pair(p, head, lane + 32 * j);
        g[j] = cs[j] = make_float2(1.f, 0.f);
        if (pair.i >= half || isV) continue;
        g[j] = make_float2(gain[pair.d0], gain[pair.d1]);
        cs[j] = pair.rotation(p, row);
    }
    gridDependencySync();
    launchDependents();
    prefetchAfter(p);
    if (head >= nAll || place.position < 0) return;
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < kHeadPairs; ++j) {
        const HeadPair pair(p, head, lane + 32 * j);
        v[j] = pair.i < half ? pair.load(p, row) : make_float2(0.f, 0.f);
        sum += v[j].x * v[j].x + v[j].y * v[j].y;
    }
    const float scale = rsqrtf(warpSum(sum) / static_cast<float>(p.headDim) + p.eps);
#pragma unroll
    for (int j = 0; j < kHeadPairs; ++j) {
        const HeadPair pair(p, head, lane + 32 * j);
        if (pair.i >= half) continue;
        if (!isV) v[j].x *= scale * g[j].x, v[j].y *= scale * g[j].y;
        pair.finish(p, row, place, v[j], cs[j]);
    }
}

/// All heads of the queries together, and of the keys: a block for each of q, k and v of a row. It reads them twice,
/// the second time from the cache.
__global__ void __launch_bounds__(kRowThreads) rowNormRopeAppendKernel(const RopeAppendParams p) {
    __shared__ float scratch[kRowThreads / 32];
    const int32_t row = blockIdx.y, kind = blockIdx.x, half = p.headDim / 2;
    const int32_t firstHead = kind == 0 ? 0 : p.nHeads + (kind - 1) * p.nKvHeads;
    const int32_t nHeadsHere = kind == 0 ? p.nHeads : p.nKvHeads, nPairs = nHeadsHere * half;
    const float* gain = kind == 0 ? p.qNorm : p.kNorm;
    const bool isV = kind == 2;
    const Place place(p, row);
    gridDependencySync();
    launchDependents();
    prefetchAfter(p);
    if (place.position < 0) return;
    float scale = 1.f;
    if (!isV) {
        float sum = 0.f;
        for (int32_t t = threadIdx.x; t < nPairs; t += kRowThreads) {
            const float2 v = HeadPair(p, firstHead + t / half, t % half).load(p, row);
            sum += v.x * v.x + v.y * v.y;
        }
        scale = rsqrtf(blockSum(sum, scratch) / static_cast<float>(2 * nPairs) + p.eps);
    }
    for (int32_t t = threadIdx.x; t < nPairs; t += kRowThreads) {
        const HeadPair pair(p, firstHead + t / half, t % half);
        float2 v = pair.load(p, row);
        if (!isV) {
            const float* of = gain + t / half * p.headDim;
            v.x *= scale * of[pair.d0];
            v.y *= scale * of[pair.d1];
        }
        pair.finish(p, row, place, v, pair.rotation(p, row));
    }
}

}  // namespace

cudaError_t launchRopeAppend(const LaunchContext& ctx, RopeAppendParams params, int32_t nRows) {
    const int32_t nAll = params.nHeads + 2 * params.nKvHeads, half = params.headDim / 2;
    const auto run = [&](auto* kernel, int32_t nBlocks, int32_t nThreads) {
        params.prefetch.splitOver(int64_t{nBlocks} * nRows);
        return launch(ctx, kernel, dim3(static_cast<unsigned>(nBlocks), static_cast<unsigned>(nRows)),
                      dim3(static_cast<unsigned>(nThreads)), 0, params);
    };
    if (!params.qNorm) return run(ropeAppendKernel, (nAll * half + kThreads - 1) / kThreads, kThreads);
    if (params.wholeRow) return run(rowNormRopeAppendKernel, 3, kRowThreads);
    if (half > 32 * kHeadPairs) return cudaErrorInvalidValue;
    return run(headNormRopeAppendKernel, (nAll + kHeadWarps - 1) / kHeadWarps, kHeadWarps * 32);
}

}  // namespace spanscope::cuda
