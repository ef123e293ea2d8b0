// GEMV for up to four rows of x on compute capability 9.0 with 16-bit weights, which come through shared memory by bulk
// asynchronous copies.
//
// As in gemv_kernel.cuh a warp owns a pair of rows at a time and x lies in shared memory in two planes. What differs:
// every warp has a multi-stage ring of its own (a stage holds kRingCols columns of both rows), filled across the
// borders of pairs, and full before gridDependencySync(). So bytes in flight cost no registers, do not drop while sums
// are reduced, and cover the launch, the normalisation and the tail of the kernel before. Bytes: every weight once;
// bound by memory bandwidth. Tried and dropped: one block per multiprocessor, so that blocks of the next kernel are
// resident beside it with their rings full (116 us for a layer of llama-7b, where two blocks take 103); stages of 1,024
// columns (105).
#pragma once

#include "kernels/cuda/hopper.cuh"
#include "kernels/cuda/matrix/gemv_kernel.cuh"

namespace spanscope::cuda {

inline constexpr int kRingCols = 512;     ///< of a stage
inline constexpr int kGemvMaxStages = 6;  ///< of a warp's ring
inline constexpr int kGemvStageBytes = 2 * kRingCols * 2;

template <class W, int M, bool kJoins>
__global__ void __launch_bounds__(kGemvThreads, 2) gemvRingKernel(const GemvParams p) {
#if SPANSCOPE_SM90
    static_assert(sizeof(W) == 2);
    constexpr int kOctets = kRingCols / 8;             // of a row of a stage
    extern __shared__ __align__(128) char sDynamic[];  // rings of all warps, then x: [M][2 planes][k / 8] quads
    __shared__ float sSum[M][kGemvWarps];
    __shared__ uint64_t sFull[kGemvWarps * kGemvMaxStages];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nOctets = p.k / 8, nTiles = (p.k + kRingCols - 1) / kRingCols;
    const int32_t stride = gridDim.x * kGemvWarps, firstPair = blockIdx.x * kGemvWarps + warp;
    char* ring = sDynamic + warp * p.nStages * kGemvStageBytes;
    float4* sX = reinterpret_cast<float4*>(sDynamic + kGemvWarps * p.nStages * kGemvStageBytes);
    uint64_t* full = sFull + warp * kGemvMaxStages;
    const uint64_t policy = evictFirstPolicy();
    if (lane == 0) {
        for (int s = 0; s < p.nStages; ++s) initBarrier(full + s, 1);
        fenceBarrierInit();
    }
    __syncwarp();

    int32_t issuePair = firstPair, issueTile = 0;
    int writeStage = 0;
    const auto issueNext = [&] {  // the next tile of this warp, if there is one
        if (issuePair >= p.nPairs) return;
        if (lane == 0) {
            int32_t r0, r1;
            pairRows(p, issuePair, r0, r1);
            const int32_t col = issueTile * kRingCols;
            const uint32_t nBytes = static_cast<uint32_t>(min(kRingCols, p.k - col)) * sizeof(W);
            const W* w = static_cast<const W*>(p.w) + col;
            char* to = ring + writeStage * kGemvStageBytes;
            arriveExpectBytes(full + writeStage, 2 * nBytes);
            bulkCopy(to, w + static_cast<size_t>(r0) * p.k, nBytes, full + writeStage, policy);
            bulkCopy(to + kGemvStageBytes / 2, w + static_cast<size_t>(r1) * p.k, nBytes, full + writeStage, policy);
        }
        if (++writeStage == p.nStages) writeStage = 0;
        if (++issueTile == nTiles) issueTile = 0, issuePair += stride;
    };
    for (int s = 0; s < p.nStages; ++s) issueNext();
    GainPrefetch gain;
    gain.load(p);

    gridDependencySync();
    launchDependents();
    stageNormalised<M, kJoins>(p, gain, sSum,
                               [&](int m, int32_t i, float4 v) { sX[(m * 2 + (i & 1)) * nOctets + (i >> 1)] = v; });

    float acc0[M] = {}, acc1[M] = {};
    int readStage = 0;
    uint32_t parity = 0;
    for (int32_t pair = firstPair; pair < p.nPairs; pair += stride) {
        for (int32_t tile = 0; tile < nTiles; ++tile) {
            waitBarrier(full + readStage, parity);
            const uint4* at = reinterpret_cast<const uint4*>(ring + readStage * kGemvStageBytes) + lane;
#pragma unroll
            for (int u = 0; u < kOctets / 32; ++u) {
                const int32_t o = tile * kOctets + u * 32 + lane;
                if (o < nOctets) {
                    float w0[8], w1[8];
                    Packed8<W>{at[u * 32]}.unpack(w0);
                    Packed8<W>{at[kOctets + u * 32]}.unpack(w1);
#pragma unroll
                    for (int m = 0; m < M; ++m) {
                        const float4 a = sX[m * 2 * nOctets + o], b = sX[(m * 2 + 1) * nOctets + o];
                        addProducts(acc0[m], w0, a, b);
                        addProducts(acc1[m], w1, a, b);
                    }
                }
            }
            if (++readStage == p.nStages) readStage = 0, parity ^= 1;
            __syncwarp();
            issueNext();
        }
        reducePair<M>(p, pair, lane, acc0, acc1);
    }
    if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);
#endif
}

}  // namespace spanscope::cuda
