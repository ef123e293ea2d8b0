// Matrix times one, two or four vectors for wide matrices: one block per multiprocessor, all of its 512 threads on the
// same pair of rows.
//
// A thread keeps its share of x in registers for the whole launch and a ring of weights in shared memory that only it
// writes (cp.async, 16 bytes) and only it reads, so there is no barrier on the way of the data and 144 or 192 KB per
// multiprocessor are in flight. What counts more: a kernel that starts while its predecessor drains fills this ring
// before it waits, which keeps memory busy through drain, wait and normalisation (about 4 us). Sums of eight results
// meet at one barrier. Bytes: every weight once.
// Measured on an H200, one row, llama-7b's four matrices launched as in a step: 97.6 us a layer, 107.4 with
// gemv_kernel.cuh, when eight layers (3 GB) are visited in turn; two blocks of 256 threads with 96 KB each 115 us; lines
// that leave L2 by the usual rule instead of first 108 us. In a model of 13 GB with a large KV cache the same kernel, a
// block's pairs together, was slower than the narrow one (126 us a layer with attention, 113 before): every block then
// streams from pages of its own, more than translation holds. So blocks take neighbouring pairs in turn, and which
// kernel a batch size gets is measured on the model itself (tune_step.cpp).
#pragma once

#include "kernels/cuda/bulk.cuh"
#include "kernels/cuda/gemv_kernel.cuh"

namespace spanscope::cuda {

inline constexpr int kWideThreads = 512;
inline constexpr int kWideWarps = kWideThreads / 32;
/// A whole number of slots for J = 1 to 4. kRoom: leaves room for another kernel's block, up to 4,096 columns.
constexpr int wideRingBytes(int j, bool room) { return j == 1 && room ? 144 * 1024 : 192 * 1024; }

/// 2 half sums of every lane -> in sum[0], the one numbered lane / 2, over the lanes whose lowest bit is this one's.
template <int half>
__device__ __forceinline__ void halve(float (&sum)[16], int lane) {
    constexpr int kBit = 2 * half;
    const bool upper = lane & kBit;
#pragma unroll
    for (int i = 0; i < half; ++i) {
        const float keep = upper ? sum[half + i] : sum[i], give = upper ? sum[i] : sum[half + i];
        sum[i] = keep + __shfl_xor_sync(0xffffffffu, give, kBit);
    }
    if constexpr (half > 1) halve<half / 2>(sum, lane);
}

/// J: octets of a row per thread. M: rows of x.
template <class W, int M, int J, bool kRoom>
__global__ void __launch_bounds__(kWideThreads, 1) gemvWideKernel(const GemvParams p) {
    static_assert(sizeof(W) == 2);
    constexpr int kSlots = wideRingBytes(J, kRoom) / (kWideThreads * 2 * J * 16);
    constexpr int kBatch = 8 / M;  // pairs whose sums meet together
    constexpr int kSums = kBatch * 2 * M;
    static_assert(kSums == 16);
    extern __shared__ uint4 sRing[];  // [slot][2 J][thread]
    __shared__ float sSum[M][kWideWarps];
    __shared__ float sPart[2][kWideWarps][kSums];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nOctets = p.k / 8;
    // Pairs of this block: first, first + step, ...; n of them.
    const int32_t step = p.together ? 1 : static_cast<int32_t>(gridDim.x);
    const auto startOf = [&](uint32_t block) { return static_cast<int32_t>(static_cast<int64_t>(p.nPairs) * block / gridDim.x); };
    const int32_t first = p.together ? startOf(blockIdx.x) : static_cast<int32_t>(blockIdx.x);
    const int32_t n = p.together ? startOf(blockIdx.x + 1) - first : (p.nPairs - first + step - 1) / step;
    const uint64_t policy = evictFirst();
    const auto fetch = [&](int32_t i, int slot) {
        if (i < n) {
            int32_t r0, r1;
            pairRows(p, first + i * step, r0, r1);
            const W* w0 = static_cast<const W*>(p.w) + static_cast<size_t>(r0) * p.k + tid * 8;
            const W* w1 = static_cast<const W*>(p.w) + static_cast<size_t>(r1) * p.k + tid * 8;
#pragma unroll
            for (int j = 0; j < J; ++j) {
                if (tid + j * kWideThreads < nOctets) {
                    copyAsync16(sRing + (slot * 2 * J + 2 * j) * kWideThreads + tid, w0 + j * kWideThreads * 8, policy);
                    copyAsync16(sRing + (slot * 2 * J + 2 * j + 1) * kWideThreads + tid, w1 + j * kWideThreads * 8, policy);
                }
            }
        }
        commitAsync();
    };
#pragma unroll 1
    for (int s = 0; s < kSlots; ++s) fetch(s, s);

    waitForPrevious();
    letNextStart();

    float x[M][J][8];
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
        for (int j = 0; j < J; ++j) {
            const int32_t o = tid + j * kWideThreads;
            float4 a = make_float4(0.f, 0.f, 0.f, 0.f), b = a;
            if (o < nOctets) {
                const float4* at = reinterpret_cast<const float4*>(p.x + static_cast<size_t>(m) * p.k + o * 8);
                a = __ldcg(at);
                b = __ldcg(at + 1);
            }
            x[m][j][0] = a.x, x[m][j][1] = a.y, x[m][j][2] = a.z, x[m][j][3] = a.w;
            x[m][j][4] = b.x, x[m][j][5] = b.y, x[m][j][6] = b.z, x[m][j][7] = b.w;
        }
    if (p.gain) {
        float gain[J][8];
#pragma unroll
        for (int j = 0; j < J; ++j)
#pragma unroll
            for (int h = 0; h < 2; ++h) {
                const int32_t o = tid + j * kWideThreads;
                const float4 g = o < nOctets ? __ldg(reinterpret_cast<const float4*>(p.gain + o * 8) + h) : make_float4(0.f, 0.f, 0.f, 0.f);
                gain[j][4 * h] = g.x, gain[j][4 * h + 1] = g.y, gain[j][4 * h + 2] = g.z, gain[j][4 * h + 3] = g.w;
            }
#pragma unroll
        for (int m = 0; m < M; ++m) {
            float sum = 0.f;
#pragma unroll
            for (int j = 0; j < J; ++j)
#pragma unroll
                for (int i = 0; i < 8; ++i) sum += x[m][j][i] * x[m][j][i];
            sum = warpSum(sum);
            if (lane == 0) sSum[m][warp] = sum;
        }
        __syncthreads();
#pragma unroll
        for (int m = 0; m < M; ++m) {
            float sum = 0.f;
#pragma unroll
            for (int w = 0; w < kWideWarps; ++w) sum += sSum[m][w];
            const float scale = rsqrtf(sum / p.k + p.eps);
#pragma unroll
            for (int j = 0; j < J; ++j)
#pragma unroll
                for (int i = 0; i < 8; ++i) x[m][j][i] *= scale * gain[j][i];
        }
    }

    int slot = 0, buffer = 0;
#pragma unroll 1
    for (int32_t base = 0; base < n; base += kBatch) {
        float sum[kSums];
#pragma unroll
        for (int b = 0; b < kBatch; ++b) {
            float s0[M] = {}, s1[M] = {};
            waitAsync<kSlots - 1>();
            if (base + b < n) {
#pragma unroll
                for (int j = 0; j < J; ++j) {
                    if (tid + j * kWideThreads < nOctets) {
                        Raw8<W> raw0, raw1;
                        raw0.v = sRing[(slot * 2 * J + 2 * j) * kWideThreads + tid];
                        raw1.v = sRing[(slot * 2 * J + 2 * j + 1) * kWideThreads + tid];
                        float w0[8], w1[8];
                        raw0.unpack(w0);
                        raw1.unpack(w1);
#pragma unroll
                        for (int m = 0; m < M; ++m)
#pragma unroll
                            for (int i = 0; i < 8; ++i) s0[m] += w0[i] * x[m][j][i], s1[m] += w1[i] * x[m][j][i];
                    }
                }
            }
            fetch(base + b + kSlots, slot);
            slot = slot + 1 == kSlots ? 0 : slot + 1;
#pragma unroll
            for (int m = 0; m < M; ++m) sum[(b * M + m) * 2] = s0[m], sum[(b * M + m) * 2 + 1] = s1[m];
        }
        halve<8>(sum, lane);
        const float mine = sum[0] + __shfl_xor_sync(0xffffffffu, sum[0], 1);
        if ((lane & 1) == 0) sPart[buffer][warp][lane >> 1] = mine;
        __syncthreads();
        if (warp == base / kBatch % kWideWarps) {
            float total = 0.f;
#pragma unroll
            for (int w = 0; w < kWideWarps; ++w) total += sPart[buffer][w][lane & 15];
            const float other = __shfl_down_sync(0xffffffffu, total, 1);
            const int32_t i = base + (lane >> 1) / M;
            if (lane < kSums && (lane & 1) == 0 && i < n) finishPair(p, first + i * step, (lane >> 1) % M, total, other);
        }
        buffer ^= 1;
    }
    if (tid == 0) askAhead(p.ahead, blockIdx.x);
}

}  // namespace spanscope::cuda
