// The kernel for compute capability 9.0 and 16-bit weights: they come through shared memory, brought by the copy
// engine.
//
// As in gemv_kernel.cuh a warp owns a pair of rows at a time and x lies in shared memory in two planes. What is
// different: every warp has a ring of tiles (kRingCols of both rows) of its own, which is filled across the borders of
// pairs, and filled to the brim before the previous kernel is waited for. So bytes in flight cost no registers, do not
// drop while sums meet, and cover launch, normalisation and the previous kernel's tail. Bytes: every weight once. Tried
// and dropped: one block per multiprocessor, so that the next kernel's blocks sit beside it with their rings full (116
// us for a layer of llama-7b where two blocks take 103); tiles of 1,024 columns (105).
#pragma once

#include "kernels/cuda/bulk.cuh"
#include "kernels/cuda/matrix/gemv_kernel.cuh"

namespace spanscope::cuda {

inline constexpr int kRingCols = 512;     ///< of a tile
inline constexpr int kGemvMaxStages = 6;  ///< tiles of a warp
inline constexpr int kGemvTileBytes = 2 * kRingCols * 2;

template <class W, int M>
__global__ void __launch_bounds__(kGemvThreads, 2) gemvRingKernel(const GemvParams p) {
#if SPANSCOPE_SM90
    static_assert(sizeof(W) == 2);
    constexpr int kOctets = kRingCols / 8;             // of a row of a tile
    extern __shared__ __align__(128) char sDynamic[];  // tiles of all warps, then x: [M][2 planes][k / 8] quads
    __shared__ float sSum[M][kGemvWarps];
    __shared__ uint64_t sFull[kGemvWarps * kGemvMaxStages];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nOctets = p.k / 8, nTiles = (p.k + kRingCols - 1) / kRingCols;
    const int32_t stride = gridDim.x * kGemvWarps, firstPair = blockIdx.x * kGemvWarps + warp;
    char* tiles = sDynamic + warp * p.nStages * kGemvTileBytes;
    float4* sX = reinterpret_cast<float4*>(sDynamic + kGemvWarps * p.nStages * kGemvTileBytes);
    uint64_t* full = sFull + warp * kGemvMaxStages;
    const uint64_t policy = evictFirst();
    if (lane == 0) {
        for (int s = 0; s < p.nStages; ++s) initBarrier(full + s, 1);
        publishBarriers();
    }
    __syncwarp();

    int32_t askedPair = firstPair, askedTile = 0;
    int putAt = 0;
    const auto ask = [&] {  // the next tile of this warp, if there is one
        if (askedPair >= p.nPairs) return;
        if (lane == 0) {
            int32_t r0, r1;
            pairRows(p, askedPair, r0, r1);
            const int32_t col = askedTile * kRingCols;
            const uint32_t nBytes = static_cast<uint32_t>(min(kRingCols, p.k - col)) * sizeof(W);
            const W* w = static_cast<const W*>(p.w) + col;
            char* to = tiles + putAt * kGemvTileBytes;
            expectBytes(full + putAt, 2 * nBytes);
            copyBulk(to, w + static_cast<size_t>(r0) * p.k, nBytes, full + putAt, policy);
            copyBulk(to + kGemvTileBytes / 2, w + static_cast<size_t>(r1) * p.k, nBytes, full + putAt, policy);
        }
        if (++putAt == p.nStages) putAt = 0;
        if (++askedTile == nTiles) askedTile = 0, askedPair += stride;
    };
    for (int s = 0; s < p.nStages; ++s) ask();
    GainAhead gain;
    gain.load(p);

    waitForPrevious();
    letNextStart();
    stageNormalised<M>(p, gain, sSum,
                       [&](int m, int32_t i, float4 v) { sX[(m * 2 + (i & 1)) * nOctets + (i >> 1)] = v; });

    float acc0[M] = {}, acc1[M] = {};
    int takeAt = 0;
    uint32_t parity = 0;
    for (int32_t pair = firstPair; pair < p.nPairs; pair += stride) {
        for (int32_t tile = 0; tile < nTiles; ++tile) {
            waitBarrier(full + takeAt, parity);
            const uint4* at = reinterpret_cast<const uint4*>(tiles + takeAt * kGemvTileBytes) + lane;
#pragma unroll
            for (int u = 0; u < kOctets / 32; ++u) {
                const int32_t o = tile * kOctets + u * 32 + lane;
                if (o < nOctets) {
                    float w0[8], w1[8];
                    Raw8<W>{at[u * 32]}.unpack(w0);
                    Raw8<W>{at[kOctets + u * 32]}.unpack(w1);
#pragma unroll
                    for (int m = 0; m < M; ++m) {
                        const float4 a = sX[m * 2 * nOctets + o], b = sX[(m * 2 + 1) * nOctets + o];
                        addProducts(acc0[m], w0, a, b);
                        addProducts(acc1[m], w1, a, b);
                    }
                }
            }
            if (++takeAt == p.nStages) takeAt = 0, parity ^= 1;
            __syncwarp();
            ask();
        }
        finishSums<M>(p, pair, lane, acc0, acc1);
    }
    if (tid == 0) askAhead(p.ahead, blockIdx.x);
#endif
}

}  // namespace spanscope::cuda
