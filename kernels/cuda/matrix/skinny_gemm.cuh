// Skinny GEMM on tensor cores: y = W x for up to 32 rows of x.
//
// The idea: a tile is 16 rows of W (8 pairs, product.cuh) times all rows of x, by mma m16n8k16: W is the A operand,
// each 8 rows of x a B operand. A dot product's terms may come in any order as long as both operands agree, so a thread
// takes 16 adjacent bytes of W and of x as its fragments, and nothing is rearranged. A tile's columns are split over
// the warpsPerTile warps that share it (sliced-K) and, where x does not fit into one block, over the blocks of a
// cluster (split-K); their accumulators are added up in (distributed) shared memory while the next tile is loaded. The
// grid is persistent: a block has a multiprocessor to itself and goes through its tiles in rounds. W is loaded by
// cp.async past registers and L1. Every thread has a multi-stage ring of the 16 bytes that it reads itself, so that no
// barrier is needed; it is filled across the borders of tiles, and full before gridDependencySync(). x lies in shared
// memory with its even rows first and its odd rows 64 bytes off: eight threads read two rows, and so all banks. Bytes:
// every weight once; x once per block from L2, and once per tile from shared memory. Limit: memory bandwidth. Tried and
// dropped: whole rows by bulk copies as in gemv_ring.cuh (a tile has 16 rows, so copies are short: 33.8 us for
// llama-7b's qkv and 16 rows, this 28.5); W through registers (as fast where L1 has 100 KB, by a third slower with the
// carveout that the kernels of the same step want).
#pragma once

#include "kernels/cuda/hopper.cuh"
#include "kernels/cuda/matrix/product.cuh"
#include "kernels/cuda/matrix/skinny_gemm.h"

namespace spanscope::cuda {

inline constexpr int kSkinnyWarps = 16;  ///< of a block, which has a multiprocessor to itself
inline constexpr int kSkinnyChunk = 32;  ///< columns; a thread has 16 bytes of a chunk and row: two mma
inline constexpr int kSkinnyPairs = 8;   ///< of a tile
inline constexpr int kSkinnyXParts = 4;  ///< of x, with a barrier each

__device__ __forceinline__ void copyAsync16(uint32_t toShared, const void* from) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(toShared), "l"(from) : "memory");
}
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits for all but the last n groups of copies.
template <int n>
__device__ __forceinline__ void waitCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
}

/// Offset of row i of nRows (even) rows of x.
__host__ __device__ constexpr int32_t skinnyRowAt(int32_t i, int32_t nRows, int32_t rowBytes) {
    return i / 2 * rowBytes + i % 2 * (nRows / 2 * rowBytes + 64);  // nRows / 2 * rowBytes: a multiple of 128
}
__host__ __device__ constexpr int32_t skinnyXBytes(int32_t nXTiles, int32_t chunksPerRank) {
    return 8 * nXTiles * chunksPerRank * kSkinnyChunk * 2 + 128;
}
__host__ __device__ constexpr int32_t skinnySumBytes(int32_t nXTiles) { return kSkinnyWarps * nXTiles * 32 * 16; }

template <class W, int kXTiles, int kStages>
__global__ void __launch_bounds__(kSkinnyWarps * 32, 1) skinnyKernel(const SkinnyParams p) {
#if SPANSCOPE_SM90
    static_assert(sizeof(W) == 2);
    // x, accumulators (warps, kXTiles, 32 threads, 4), rings (warps, kStages, 2 rows, 32 threads, 16 bytes).
    extern __shared__ __align__(128) char sX[];
    __shared__ uint64_t sXFull[kSkinnyXParts];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, g = lane >> 2, t = lane & 3;
    const int32_t tilesPerBlock = kSkinnyWarps / p.warpsPerTile;  // in a round
    const int32_t tileOfBlock = warp / p.warpsPerTile, slice = warp % p.warpsPerTile;
    const int32_t rank = static_cast<int32_t>(clusterRank()), nRanks = static_cast<int32_t>(clusterSize());
    const int32_t cluster = static_cast<int32_t>(blockIdx.x) / nRanks,
                  nClusters = static_cast<int32_t>(gridDim.x) / nRanks;
    const int32_t nTiles = (p.nPairs + kSkinnyPairs - 1) / kSkinnyPairs, perRound = nClusters * tilesPerBlock;
    const int32_t nRounds = (nTiles + perRound - 1) / perRound;
    // In chunks: the columns of this block; a warp has each warpsPerTile-th of them, so that all need x in the order in
    // which it arrives.
    const int32_t rankFirst = rank * p.chunksPerRank,
                  rankChunks = max(0, min(p.chunksPerRank, p.k / kSkinnyChunk - rankFirst));
    const int32_t nChunks = max(0, (rankChunks - slice + p.warpsPerTile - 1) / p.warpsPerTile),
                  perPart = (rankChunks + kSkinnyXParts - 1) / kSkinnyXParts;
    float4* sSum = reinterpret_cast<float4*>(sX + skinnyXBytes(kXTiles, p.chunksPerRank));
    const uint4* ring = reinterpret_cast<const uint4*>(sSum + kSkinnyWarps * kXTiles * 32) + warp * kStages * 64 + lane;
    const int32_t xRowBytes = p.chunksPerRank * kSkinnyChunk * 2;
    if (tid == 0) {
        for (int i = 0; i < kSkinnyXParts; ++i) initBarrier(sXFull + i, 1);
        fenceBarrierInit();
    }

    int32_t issueTile = cluster * tilesPerBlock + tileOfBlock, issueChunk = 0;
    const W *row0 = nullptr, *row1 = nullptr;  // of issueTile
    const auto openTile = [&] {
        int32_t r0, r1;
        pairRows(p, min(issueTile * kSkinnyPairs + g, p.nPairs - 1), r0, r1);
        const W* from = static_cast<const W*>(p.w) + (rankFirst + slice) * kSkinnyChunk + t * 8;
        row0 = from + static_cast<size_t>(r0) * p.k;
        row1 = from + static_cast<size_t>(r1) * p.k;
    };
    const auto issueNext = [&](int stage) {  // the next chunk, if there is one; a group of copies in any case
        if (issueTile < nTiles && nChunks > 0) {
            const uint32_t to = sharedAddress(ring + stage * 64);
            const int32_t at = issueChunk * p.warpsPerTile * kSkinnyChunk;
            copyAsync16(to, row0 + at);
            copyAsync16(to + 512, row1 + at);
            if (++issueChunk == nChunks) {
                issueChunk = 0;
                issueTile += perRound;
                openTile();
            }
        }
        commitCopies();
    };
    openTile();
#pragma unroll 1
    for (int stage = 0; stage < kStages; ++stage) issueNext(stage);
    __syncthreads();  // sXFull is ready

    gridDependencySync();
    launchDependents();
    for (int32_t part = 0, at = 0; warp == 0 && at < rankChunks; ++part, at += perPart) {
        const uint32_t rowBytes = static_cast<uint32_t>(min(perPart, rankChunks - at) * kSkinnyChunk) * sizeof(W);
        if (lane == 0) arriveExpectBytes(sXFull + part, static_cast<uint32_t>(p.m) * rowBytes);
        __syncwarp();
        for (int32_t m = lane; m < p.m; m += 32)
            bulkCopy(sX + skinnyRowAt(m, 8 * kXTiles, xRowBytes) + at * kSkinnyChunk * 2,
                     static_cast<const W*>(p.x) + static_cast<size_t>(m) * p.k + (rankFirst + at) * kSkinnyChunk,
                     rowBytes, sXFull + part);
    }
    int32_t xAt[kXTiles];
#pragma unroll
    for (int n = 0; n < kXTiles; ++n)
        xAt[n] = skinnyRowAt(min(8 * n + g, p.m - 1), 8 * kXTiles, xRowBytes) + slice * kSkinnyChunk * 2 + t * 16;

    // Adds up a round's accumulators, once all warps of the cluster have stored theirs, and ends the pairs. A warp does
    // 8 rows of x of a tile at a time.
    const auto finishRound = [&](int32_t round) {
        clusterWait();
        for (int32_t e = rank + nRanks * warp; e < tilesPerBlock * kXTiles;
             e += nRanks * tilesPerBlock * p.warpsPerTile) {
            const int32_t of = e / kXTiles, n = e % kXTiles;
            const int32_t pair = (round * perRound + cluster * tilesPerBlock + of) * kSkinnyPairs + g,
                          m = 8 * n + 2 * t;
            float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
            for (int32_t r = 0; r < nRanks; ++r) {
#pragma unroll 4
                for (int32_t w = 0; w < p.warpsPerTile; ++w) {
                    const float4 part = loadFromRank(sSum + ((of * p.warpsPerTile + w) * kXTiles + n) * 32 + lane,
                                                     static_cast<uint32_t>(r));
                    sum.x += part.x, sum.y += part.y, sum.z += part.z, sum.w += part.w;
                }
            }
            if (pair >= p.nPairs) continue;
            if (m < p.m) pairEpilogue(p, pair, m, sum.x, sum.z);
            if (m + 1 < p.m) pairEpilogue(p, pair, m + 1, sum.y, sum.w);
        }
        clusterArrive();
    };

    int stage = 0;
    int32_t partsHere = 0;  // of x
    for (int32_t round = 0; round < nRounds; ++round) {
        float acc[kXTiles][4] = {};
        const bool mine = round * perRound + cluster * tilesPerBlock + tileOfBlock < nTiles && nChunks > 0;
        for (int32_t chunk = 0; mine && chunk < nChunks; ++chunk) {
            for (; partsHere * perPart <= slice + chunk * p.warpsPerTile && partsHere < kSkinnyXParts; ++partsHere)
                waitBarrier(sXFull + partsHere, 0);
            waitCopies<kStages - 1>();
            const uint4 w0 = ring[stage * 64], w1 = ring[stage * 64 + 32];
#pragma unroll
            for (int n = 0; n < kXTiles; ++n) {
                const uint4 x =
                    *reinterpret_cast<const uint4*>(sX + xAt[n] + chunk * p.warpsPerTile * (kSkinnyChunk * 2));
                mma16816<W>(acc[n], w0.x, w1.x, w0.y, w1.y, x.x, x.y);
                mma16816<W>(acc[n], w0.z, w1.z, w0.w, w1.w, x.z, x.w);
            }
            issueNext(stage);
            stage = stage + 1 == kStages ? 0 : stage + 1;
            if (chunk == 0 && round > 0) finishRound(round - 1);
        }
        if (round > 0) {
            if (!mine) finishRound(round - 1);
            clusterWait();  // all have read the accumulators of the round before
        }
#pragma unroll
        for (int n = 0; n < kXTiles; ++n)
            sSum[(warp * kXTiles + n) * 32 + lane] = make_float4(acc[n][0], acc[n][1], acc[n][2], acc[n][3]);
        clusterArrive();
    }
    if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);
    finishRound(nRounds - 1);
    clusterWait();  // no block leaves while its accumulators are read
#endif
}

}  // namespace spanscope::cuda
