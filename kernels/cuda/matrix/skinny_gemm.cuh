// y = W x for up to 32 rows of x at the speed of memory, on tensor cores.
//
// A tile is 16 rows of W (8 pairs, product.cuh), multiplied with all rows of x: m16n8k16, W as the left operand, each 8
// rows of x a right one. Both are read 16 bytes at a time: a product's columns may come in any order as long as both
// sides agree, so the values of a thread are neighbours in memory, and W goes from memory into operands without a
// detour. Bytes: every weight once from memory; x once per block from L2 into shared memory, and from there once per
// tile. A tile's columns are shared by the warps of a team, and where x does not fit into one block, by the blocks of a
// cluster. The sums of all of them meet in shared memory (each other's, in a cluster) while the next tile is under way.
// W comes by asynchronous copies past registers and L1: every thread has a ring of the 16 bytes it will read itself, so
// that nobody waits for anybody, filled across the borders of tiles and to the brim before the previous kernel is
// waited for. Rows of x lie in shared memory even ones first, then odd ones, 64 bytes off: eight threads read two rows,
// and so all banks. Tried and dropped: whole rows by the copy engine, in rings as in gemv_ring.cuh (a tile has 16 rows,
// so copies are short: 33.8 us for llama-7b's qkv and 16 rows, this 28.5); W through registers (as fast where L1 has
// 100 KB, by a third slower where shared memory has nearly all, as the kernels beside this one want it).
#pragma once

#include "kernels/cuda/bulk.cuh"
#include "kernels/cuda/matrix/product.cuh"
#include "kernels/cuda/matrix/skinny_gemm.h"

namespace spanscope::cuda {

inline constexpr int kSkinnyWarps = 16;  ///< of a block, which has a multiprocessor to itself
inline constexpr int kSkinnyChunk = 32;  ///< columns of which a thread has 16 bytes: two products
inline constexpr int kSkinnyPairs = 8;   ///< of a tile
inline constexpr int kSkinnyXParts = 4;  ///< in which x arrives

__device__ __forceinline__ void copyAsync16(uint32_t toShared, const void* from) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(toShared), "l"(from) : "memory");
}
__device__ __forceinline__ void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits for all groups of copies but the last n.
template <int n>
__device__ __forceinline__ void waitCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
}

/// Where row i of a group of nRows (even) rows lies.
__host__ __device__ constexpr int32_t skinnyRowAt(int32_t i, int32_t nRows, int32_t rowBytes) {
    return i / 2 * rowBytes + i % 2 * (nRows / 2 * rowBytes + 64);  // nRows / 2 * rowBytes: a multiple of 128
}
__host__ __device__ constexpr int32_t skinnyXBytes(int32_t nXTiles, int32_t chunksPerRank) {
    return 8 * nXTiles * chunksPerRank * kSkinnyChunk * 2 + 128;
}
__host__ __device__ constexpr int32_t skinnySumBytes(int32_t nXTiles) { return kSkinnyWarps * nXTiles * 32 * 16; }

template <class W, int kXTiles, int kDepth>
__global__ void __launch_bounds__(kSkinnyWarps * 32, 1) skinnyKernel(const SkinnyParams p) {
#if SPANSCOPE_SM90
    static_assert(sizeof(W) == 2);
    extern __shared__ __align__(
        128) char sX[];  // x, sums (warps, kXTiles, 32 threads, 4), rings (warps, kDepth, 2, 32 threads, 16 bytes)
    __shared__ uint64_t sXFull[kSkinnyXParts];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, g = lane >> 2, t = lane & 3;
    const int32_t nTeams = kSkinnyWarps / p.team, team = warp / p.team, member = warp % p.team;
    const int32_t rank = static_cast<int32_t>(clusterRank()), nRanks = static_cast<int32_t>(clusterSize());
    const int32_t cluster = static_cast<int32_t>(blockIdx.x) / nRanks,
                  nClusters = static_cast<int32_t>(gridDim.x) / nRanks;
    const int32_t nTiles = (p.nPairs + kSkinnyPairs - 1) / kSkinnyPairs, perRound = nClusters * nTeams;
    const int32_t nRounds = (nTiles + perRound - 1) / perRound;
    // In chunks: this block's columns; this warp's are each p.team-th of them, so that all need x in the order in which
    // it comes.
    const int32_t rankFirst = rank * p.chunksPerRank,
                  rankChunks = max(0, min(p.chunksPerRank, p.k / kSkinnyChunk - rankFirst));
    const int32_t nChunks = max(0, (rankChunks - member + p.team - 1) / p.team),
                  perPart = (rankChunks + kSkinnyXParts - 1) / kSkinnyXParts;
    float4* sSum = reinterpret_cast<float4*>(sX + skinnyXBytes(kXTiles, p.chunksPerRank));
    const uint4* ring = reinterpret_cast<const uint4*>(sSum + kSkinnyWarps * kXTiles * 32) + warp * kDepth * 64 + lane;
    const int32_t xRowBytes = p.chunksPerRank * kSkinnyChunk * 2;
    if (tid == 0) {
        for (int i = 0; i < kSkinnyXParts; ++i) initBarrier(sXFull + i, 1);
        publishBarriers();
    }

    int32_t askedTile = cluster * nTeams + team, askedChunk = 0;
    const W *row0 = nullptr, *row1 = nullptr;  // of askedTile
    const auto openTile = [&] {
        int32_t r0, r1;
        pairRows(p, min(askedTile * kSkinnyPairs + g, p.nPairs - 1), r0, r1);
        const W* from = static_cast<const W*>(p.w) + (rankFirst + member) * kSkinnyChunk + t * 8;
        row0 = from + static_cast<size_t>(r0) * p.k;
        row1 = from + static_cast<size_t>(r1) * p.k;
    };
    const auto ask = [&](int slot) {  // the next chunk, if there is one, and a group in any case
        if (askedTile < nTiles && nChunks > 0) {
            const uint32_t to = sharedAddress(ring + slot * 64);
            const int32_t at = askedChunk * p.team * kSkinnyChunk;
            copyAsync16(to, row0 + at);
            copyAsync16(to + 512, row1 + at);
            if (++askedChunk == nChunks) {
                askedChunk = 0;
                askedTile += perRound;
                openTile();
            }
        }
        commitCopies();
    };
    openTile();
#pragma unroll 1
    for (int slot = 0; slot < kDepth; ++slot) ask(slot);
    __syncthreads();  // sXFull is ready

    waitForPrevious();
    letNextStart();
    for (int32_t part = 0, at = 0; warp == 0 && at < rankChunks; ++part, at += perPart) {
        const uint32_t rowBytes = static_cast<uint32_t>(min(perPart, rankChunks - at) * kSkinnyChunk) * sizeof(W);
        if (lane == 0) expectBytes(sXFull + part, static_cast<uint32_t>(p.m) * rowBytes);
        __syncwarp();
        for (int32_t m = lane; m < p.m; m += 32)
            copyBulk(sX + skinnyRowAt(m, 8 * kXTiles, xRowBytes) + at * kSkinnyChunk * 2,
                     static_cast<const W*>(p.x) + static_cast<size_t>(m) * p.k + (rankFirst + at) * kSkinnyChunk,
                     rowBytes, sXFull + part);
    }
    int32_t xAt[kXTiles];
#pragma unroll
    for (int n = 0; n < kXTiles; ++n)
        xAt[n] = skinnyRowAt(min(8 * n + g, p.m - 1), 8 * kXTiles, xRowBytes) + member * kSkinnyChunk * 2 + t * 16;

    // The sums of a round, once all warps of the cluster have left theirs: each warp's share of its tiles, 8 rows of x
    // at a time.
    const auto finishRound = [&](int32_t round) {
        clusterWait();
        for (int32_t e = rank + nRanks * warp; e < nTeams * kXTiles; e += nRanks * nTeams * p.team) {
            const int32_t of = e / kXTiles, n = e % kXTiles;
            const int32_t pair = (round * perRound + cluster * nTeams + of) * kSkinnyPairs + g, m = 8 * n + 2 * t;
            float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
            for (int32_t r = 0; r < nRanks; ++r) {
#pragma unroll 4
                for (int32_t w = 0; w < p.team; ++w) {
                    const float4 part =
                        loadOfBlock(sSum + ((of * p.team + w) * kXTiles + n) * 32 + lane, static_cast<uint32_t>(r));
                    sum.x += part.x, sum.y += part.y, sum.z += part.z, sum.w += part.w;
                }
            }
            if (pair >= p.nPairs) continue;
            if (m < p.m) finishPair(p, pair, m, sum.x, sum.z);
            if (m + 1 < p.m) finishPair(p, pair, m + 1, sum.y, sum.w);
        }
        clusterArrive();
    };

    int slot = 0;
    int32_t partsHere = 0;  // of x
    for (int32_t round = 0; round < nRounds; ++round) {
        float acc[kXTiles][4] = {};
        const bool mine = round * perRound + cluster * nTeams + team < nTiles && nChunks > 0;
        for (int32_t chunk = 0; mine && chunk < nChunks; ++chunk) {
            for (; partsHere * perPart <= member + chunk * p.team && partsHere < kSkinnyXParts; ++partsHere)
                waitBarrier(sXFull + partsHere, 0);
            waitCopies<kDepth - 1>();
            const uint4 w0 = ring[slot * 64], w1 = ring[slot * 64 + 32];
#pragma unroll
            for (int n = 0; n < kXTiles; ++n) {
                const uint4 x = *reinterpret_cast<const uint4*>(sX + xAt[n] + chunk * p.team * (kSkinnyChunk * 2));
                mma16816<W>(acc[n], w0.x, w1.x, w0.y, w1.y, x.x, x.y);
                mma16816<W>(acc[n], w0.z, w1.z, w0.w, w1.w, x.z, x.w);
            }
            ask(slot);
            slot = slot + 1 == kDepth ? 0 : slot + 1;
            if (chunk == 0 && round > 0) finishRound(round - 1);
        }
        if (round > 0) {
            if (!mine) finishRound(round - 1);
            clusterWait();  // all have read the previous round's
        }
#pragma unroll
        for (int n = 0; n < kXTiles; ++n)
            sSum[(warp * kXTiles + n) * 32 + lane] = make_float4(acc[n][0], acc[n][1], acc[n][2], acc[n][3]);
        clusterArrive();
    }
    if (tid == 0) askAhead(p.ahead, blockIdx.x);
    finishRound(nRounds - 1);
    clusterWait();  // nobody leaves while its sums are read
#endif
}

}  // namespace spanscope::cuda
