// GEMV for up to four rows of x with weights in blocks of 32 (Q8_0, Q4_0), read as they are stored and widened in
// registers.
//
// As in gemv_kernel.cuh a warp owns a pair of rows; a lane takes a block of each (16 or 32 bytes), double-buffered. x
// lies in shared memory in eight planes, one per quad of a block, so that neighbouring lanes read neighbouring 16
// bytes. Quants become floats by a byte permutation into the mantissa of 2^23 and one subtraction; products and sums
// are float32, so the result is that of dequantised weights. Bytes: 18 or 34 per 32 weights. About three operations per
// weight and row besides the products: Q4_0 is bound by them on the largest devices, by memory bandwidth elsewhere.
#include "kernels/cuda/matrix/gemv_kernel.cuh"

namespace spanscope::cuda {
namespace {

/// Byte n of `bytes` as a float, less 2^23 + offset.
template <int n>
__device__ __forceinline__ float byteToFloat(uint32_t bytes, float offset) {
    return __uint_as_float(__byte_perm(bytes, 0x4b000000u, 0x7650 | n)) - (8388608.f + offset);
}

template <bool kFour>
struct QuantBlock {
    uint4 v[kFour ? 1 : 2];
    __half scale;
    __device__ __forceinline__ void load(const GemvParams& p, int32_t row, int32_t nBlocks, int32_t b) {
        const size_t at = static_cast<size_t>(row) * nBlocks + b;
        const char* from = static_cast<const char*>(p.w) + at * (kFour ? 16 : 32);
        v[0] = loadWeights16(from);
        if constexpr (!kFour) v[1] = loadWeights16(from + 16);
        scale = __ushort_as_half(__ldg(p.scales + at));
    }
    /// Quad j of 8.
    template <int j>
    __device__ __forceinline__ float4 quad() const {
        uint32_t word;
        if constexpr (kFour) {
            const uint32_t both = j % 4 == 0 ? v[0].x : j % 4 == 1 ? v[0].y : j % 4 == 2 ? v[0].z : v[0].w;
            word = (j < 4 ? both : both >> 4) & 0x0f0f0f0fu;
        } else {
            const uint4& q = v[j / 4];
            word = (j % 4 == 0 ? q.x : j % 4 == 1 ? q.y : j % 4 == 2 ? q.z : q.w) ^ 0x80808080u;
        }
        constexpr float kOffset = kFour ? 8.f : 128.f;
        return make_float4(byteToFloat<0>(word, kOffset), byteToFloat<1>(word, kOffset), byteToFloat<2>(word, kOffset),
                           byteToFloat<3>(word, kOffset));
    }
};

template <bool kFour, int M>
__global__ void __launch_bounds__(kGemvThreads, 2) gemvQuantKernel(const GemvParams p) {
    constexpr int U = kFour && M < 4 ? 2 : 1;
    extern __shared__ float4 sX[];  // [M][8 planes][blocks + 1]
    __shared__ float sSum[M][kGemvWarps];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t nBlocks = p.k / kQuantBlock, plane = nBlocks + 1;
    const int32_t nBatches = (nBlocks + 32 * U - 1) / (32 * U);
    const int32_t firstPair = blockIdx.x * kGemvWarps + warp;
    using Batch = PairBatch<QuantBlock<kFour>, U>;
    Batch next;
    const auto load = [&](Batch& to, int32_t pair, int32_t bt) {
        int32_t r0, r1;
        pairRows(p, pair, r0, r1);
#pragma unroll
        for (int u = 0; u < U; ++u) {
            const int32_t b = (bt * U + u) * 32 + lane;
            if (b >= nBlocks) continue;
            to.row0[u].load(p, r0, nBlocks, b);
            to.row1[u].load(p, r1, nBlocks, b);
        }
    };
    if (firstPair < p.nPairs) load(next, firstPair, 0);
    GainPrefetch gain;
    gain.load(p);
    gridDependencySync();
    launchDependents();
    stageNormalised<M, M == 1>(p, gain, sSum,
                               [&](int m, int32_t i, float4 v) { sX[(m * 8 + (i & 7)) * plane + (i >> 3)] = v; });
    forEachPair<M>(
        p, firstPair, nBatches, next, load, [&](const Batch& batch, int32_t bt, float(&acc0)[M], float(&acc1)[M]) {
#pragma unroll
            for (int u = 0; u < U; ++u) {
                const int32_t b = (bt * U + u) * 32 + lane;
                if (b >= nBlocks) continue;
                float s0[M] = {}, s1[M] = {};
                const auto quad = [&](auto jj) {
                    constexpr int j = decltype(jj)::value;
                    const float4 w0 = batch.row0[u].template quad<j>(), w1 = batch.row1[u].template quad<j>();
#pragma unroll
                    for (int m = 0; m < M; ++m) {
                        const float4 x = sX[(m * 8 + j) * plane + b];
                        s0[m] += w0.x * x.x + w0.y * x.y + w0.z * x.z + w0.w * x.w;
                        s1[m] += w1.x * x.x + w1.y * x.y + w1.z * x.z + w1.w * x.w;
                    }
                };
                quad(Index<0>()), quad(Index<1>()), quad(Index<2>()), quad(Index<3>());
                quad(Index<4>()), quad(Index<5>()), quad(Index<6>()), quad(Index<7>());
                const float scale0 = __half2float(batch.row0[u].scale), scale1 = __half2float(batch.row1[u].scale);
#pragma unroll
                for (int m = 0; m < M; ++m) acc0[m] += scale0 * s0[m], acc1[m] += scale1 * s1[m];
            }
        });
    if (tid == 0) prefetchWeights(p.prefetch, blockIdx.x);
}

size_t sharedFor(int32_t m, int32_t k) {
    return static_cast<size_t>(m) * 8 * static_cast<size_t>(k / kQuantBlock + 1) * sizeof(float4);
}

/// fn(kernel of this format and number of rows).
template <class Fn>
cudaError_t withKernel(MatrixFormat format, int32_t m, const Fn& fn) {
    if (format == MatrixFormat::Q4_0)
        return m == 1   ? fn(gemvQuantKernel<true, 1>)
               : m == 2 ? fn(gemvQuantKernel<true, 2>)
                        : fn(gemvQuantKernel<true, 4>);
    return m == 1   ? fn(gemvQuantKernel<false, 1>)
           : m == 2 ? fn(gemvQuantKernel<false, 2>)
                    : fn(gemvQuantKernel<false, 4>);
}

}  // namespace

bool gemvQuantFits(const LaunchContext& ctx, int32_t m, int32_t k) {
    return (m == 1 || m == 2 || m == 4) && k % kQuantBlock == 0 &&
           sharedFor(m, k) + 1024 <= static_cast<size_t>(ctx.sharedPerBlock);
}

cudaError_t prepareGemvQuant(const LaunchContext& ctx) {
    for (MatrixFormat format : {MatrixFormat::Q8_0, MatrixFormat::Q4_0})
        for (int32_t m : {1, 2, 4}) {
            const cudaError_t status = withKernel(format, m, [&](auto kernel) {
                return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                            cudaFuncAttributeMaxDynamicSharedMemorySize, ctx.sharedPerBlock - 1024);
            });
            if (status != cudaSuccess) return status;
        }
    return cudaSuccess;
}

cudaError_t launchGemvQuant(const LaunchContext& ctx, MatrixFormat format, GemvParams params) {
    if (!gemvQuantFits(ctx, params.m, params.k)) return cudaErrorInvalidValue;
    const int32_t wanted = (params.nPairs + kGemvWarps - 1) / kGemvWarps, most = 2 * ctx.nSm;
    const dim3 grid(static_cast<unsigned>(wanted < most ? wanted : most));
    params.prefetch.splitOver(grid.x);
    params.stageX = 1;
    return withKernel(format, params.m, [&](auto kernel) {
        return launch(ctx, kernel, grid, dim3(kGemvThreads), sharedFor(params.m, params.k), params);
    });
}

}  // namespace spanscope::cuda
