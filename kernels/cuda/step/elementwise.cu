// Small kernels of a step and of prompts. Each moves its inputs and outputs once. Limit: memory bandwidth in prompts,
// launch latency in a decode step.
#include "kernels/cuda/step/elementwise.h"

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/step/rotations.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) gatedMulKernel(const GatedMulParams p) {
    if (threadIdx.x == 0) prefetchWeights(p.prefetch, static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x);
    gridDependencySync();
    launchDependents();
    const int32_t i = (blockIdx.x * kThreads + threadIdx.x) * 4;
    if (i >= p.ffn) return;
    const size_t row = blockIdx.y;
    float4 g = load4(p.gateUp, p.inType, row * 2 * p.ffn + i);
    float4 u = load4(p.gateUp, p.inType, row * 2 * p.ffn + p.ffn + i);
    if (p.bias) {
        const float4 bg = *reinterpret_cast<const float4*>(p.bias + i);
        const float4 bu = *reinterpret_cast<const float4*>(p.bias + p.ffn + i);
        g.x += bg.x, g.y += bg.y, g.z += bg.z, g.w += bg.w;
        u.x += bu.x, u.y += bu.y, u.z += bu.z, u.w += bu.w;
    }
    const bool gelu = p.gelu != 0;
    store4(p.y, p.outType, row * p.ffn + i,
           make_float4(activated(g.x, gelu) * u.x, activated(g.y, gelu) * u.y, activated(g.z, gelu) * u.z,
                       activated(g.w, gelu) * u.w));
}

__global__ void __launch_bounds__(kThreads) addBiasKernel(const AddBiasParams p) {
    gridDependencySync();
    launchDependents();
    const int32_t i = blockIdx.x * kThreads + threadIdx.x;
    if (i < p.n) p.x[static_cast<size_t>(blockIdx.y) * p.n + i] += p.bias[i];
}

__global__ void __launch_bounds__(kThreads) softcapKernel(const SoftcapParams p) {
    gridDependencySync();
    launchDependents();
    for (int64_t i = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x; i < p.n;
         i += static_cast<int64_t>(gridDim.x) * kThreads)
        p.x[i] = p.cap * tanhf(__ldcg(p.x + i) / p.cap);
}

constexpr int kArgmaxThreads = 1024;
/// One pass with an online softmax: running maximum (the first of equals), sum of exponentials relative to it.
__global__ void __launch_bounds__(kArgmaxThreads) argmaxKernel(const ArgmaxParams p) {
    __shared__ float sTop[32], sSum[32];
    __shared__ int32_t sAt[32];
    gridDependencySync();
    launchDependents();
    const float* logits = p.logits + static_cast<size_t>(blockIdx.x) * p.vocab;
    float top = -INFINITY, sum = 0.f;
    int32_t at = 0x7fffffff;
    const auto take = [&](float v, int32_t i) {
        if (v > top) {
            sum = sum * __expf(top - v) + 1.f;
            top = v;
            at = i;
        } else {
            sum += v == top ? 1.f : __expf(v - top);
        }
    };
    constexpr int kUnroll = 8;  // loads in flight
    for (int32_t base = threadIdx.x; base < p.vocab; base += kUnroll * kArgmaxThreads) {
        float v[kUnroll];
#pragma unroll
        for (int j = 0; j < kUnroll; ++j) {
            const int32_t i = base + j * kArgmaxThreads;
            v[j] = i < p.vocab ? __ldcg(logits + i) : -INFINITY;
        }
#pragma unroll
        for (int j = 0; j < kUnroll; ++j)
            if (v[j] != -INFINITY) take(v[j], base + j * kArgmaxThreads);
    }
    const auto join = [&](float top2, float sum2, int32_t at2) {
        const float most = fmaxf(top, top2);
        if (most != -INFINITY)
            sum = (top == -INFINITY ? 0.f : sum * __expf(top - most)) +
                  (top2 == -INFINITY ? 0.f : sum2 * __expf(top2 - most));
        if (top2 > top || (top2 == top && at2 < at)) at = at2;
        top = most;
    };
    const auto warpJoin = [&] {
        for (int o = 16; o > 0; o >>= 1)
            join(__shfl_down_sync(0xffffffffu, top, o), __shfl_down_sync(0xffffffffu, sum, o),
                 __shfl_down_sync(0xffffffffu, at, o));
    };
    warpJoin();
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    if (lane == 0) sTop[warp] = top, sSum[warp] = sum, sAt[warp] = at;
    __syncthreads();
    if (warp == 0) {
        top = sTop[lane], sum = sSum[lane], at = sAt[lane];
        warpJoin();
        if (lane == 0) {
            StepResult r;
            r.argmax = at < p.vocab ? at : 0;
            r.logprob = -logf(sum);
            p.results[blockIdx.x] = r;
        }
    }
}

__global__ void __launch_bounds__(kThreads) embedKernel(const EmbedParams p) {
    gridDependencySync();
    launchDependents();
    const size_t row = blockIdx.x;
    const int32_t token = p.tokens[row], position = p.position0 + blockIdx.x;
    for (int32_t i = threadIdx.x; i < p.hidden; i += kThreads)
        p.x[row * p.hidden + i] =
            p.scale * loadOfMatrix(p.embedding, p.type, static_cast<size_t>(token) * p.hidden + i);
    writeRotations(p.rotations, static_cast<int32_t>(row), static_cast<int32_t>(gridDim.x), position, p.longRope);
}

__global__ void __launch_bounds__(kThreads) convertKernel(const ConvertParams p) {
    for (int64_t i = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x; i < p.n;
         i += static_cast<int64_t>(gridDim.x) * kThreads)
        storeElement(p.to, p.toType, i, loadElement(p.from, p.fromType, i));
}

/// Four values of a block per thread and round.
__global__ void __launch_bounds__(kThreads) widenKernel(const WidenParams p) {
    gridDependencySync();
    launchDependents();
    const int64_t nQuads = static_cast<int64_t>(p.from.rows) * p.from.cols / 4;
    for (int64_t q = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x; q < nQuads;
         q += static_cast<int64_t>(gridDim.x) * kThreads) {
        const int64_t block = q / 8;
        const int at = static_cast<int>(q % 8);
        const float scale = __half2float(__ushort_as_half(p.from.scales[block]));
        float4 v;
        if (p.from.format == MatrixFormat::Q8_0) {
            const char4 c = static_cast<const char4*>(p.from.data)[q];
            v = make_float4(c.x, c.y, c.z, c.w);
        } else {
            const uint32_t both = static_cast<const uint32_t*>(p.from.data)[block * 4 + at % 4] >> (at < 4 ? 0 : 4);
            v = make_float4((both & 15) - 8.f, (both >> 8 & 15) - 8.f, (both >> 16 & 15) - 8.f,
                            (both >> 24 & 15) - 8.f);
        }
        store4(p.to, p.toType, 4 * static_cast<size_t>(q),
               make_float4(scale * v.x, scale * v.y, scale * v.z, scale * v.w));
    }
}

__global__ void __launch_bounds__(kThreads) probeProbsKernel(const ProbeProbsParams p) {
    __shared__ float scratch[kThreads / 32];
    const int32_t head = blockIdx.x, kvHead = head / (p.nHeads / p.nKvHeads);
    const BatchRow row = p.rows[0];
    float* probs = p.probs + static_cast<size_t>(head) * p.nTokens;
    for (int32_t t = threadIdx.x; t < p.nTokens; t += kThreads) probs[t] = -INFINITY;
    __syncthreads();
    // The kept list has no logical page numbers; both lists are in order, so a merge walk would do. Simpler: each
    // thread takes a logical page and finds it in the kept list.
    const int32_t nLogical = (p.nTokens + kPageTokens - 1) / kPageTokens;
    float top = -INFINITY;
    for (int32_t lp = threadIdx.x; lp < nLogical; lp += kThreads) {
        const int32_t page = p.table[lp];
        uint32_t mask = 0;
        for (int32_t i = 0; i < row.nKept; ++i)
            if (row.kept[i].page == page) mask = row.kept[i].mask;
        for (int32_t s = 0; s < kPageTokens; ++s) {
            const int32_t t = lp * kPageTokens + s;
            if (!(mask >> s & 1u) || t >= p.nTokens) continue;
            const size_t k = kvTile(page, p.nKvHeads, kvHead, 0, p.headDim) + static_cast<size_t>(s) * p.headDim;
            float dot = 0.f;
            for (int32_t d = 0; d < p.headDim; ++d)
                dot += p.q[static_cast<size_t>(head) * p.headDim + d] * loadElement(p.kv, p.kvType, k + d);
            probs[t] = dot * p.scale;
            if (p.softcap > 0.f) probs[t] = p.softcap * tanhf(probs[t] / p.softcap);
            top = fmaxf(top, probs[t]);
        }
    }
    top = warpMax(top);
    if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = top;
    __syncthreads();
    for (int w = 0; w < kThreads / 32; ++w) top = fmaxf(top, scratch[w]);
    float sum = 0.f;
    for (int32_t t = threadIdx.x; t < p.nTokens; t += kThreads) {
        const float e = top == -INFINITY ? 0.f : expf(probs[t] - top);
        probs[t] = e;
        sum += e;
    }
    sum = blockSum(sum, scratch);
    for (int32_t t = threadIdx.x; t < p.nTokens; t += kThreads) probs[t] = sum > 0.f ? probs[t] / sum : 0.f;
}

__global__ void __launch_bounds__(kThreads) tokenKvKernel(const TokenKvParams p) {
    const int32_t layer = blockIdx.x, n = p.nKvHeads * 2 * p.headDim;
    for (int32_t i = threadIdx.x; i < n; i += kThreads) {
        const int32_t tile = i / p.headDim, d = i % p.headDim;
        const size_t pool = layer * p.layerElements + kvTile(p.page, p.nKvHeads, tile / 2, tile % 2, p.headDim) +
                            static_cast<size_t>(p.slot) * p.headDim + d;
        const size_t saved = static_cast<size_t>(layer) * n + i;
        if (p.restore) storeElement(p.kv, p.kvType, pool, loadElement(p.saved, p.kvType, saved));
        else storeElement(p.saved, p.kvType, saved, loadElement(p.kv, p.kvType, pool));
    }
}

struct CopyParams {
    const uint4* from;
    uint4* to;
    int64_t n;
};
__global__ void __launch_bounds__(kThreads) copyKernel(const CopyParams p) {
    constexpr int kUnroll = 4;
    const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
    for (int64_t i = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x; i < p.n; i += kUnroll * step) {
        uint4 v[kUnroll];
#pragma unroll
        for (int j = 0; j < kUnroll; ++j)
            if (i + j * step < p.n) v[j] = __ldcs(p.from + i + j * step);
#pragma unroll
        for (int j = 0; j < kUnroll; ++j)
            if (i + j * step < p.n) __stcs(p.to + i + j * step, v[j]);
    }
}

__global__ void __launch_bounds__(kThreads) noiseKernel(const NoiseParams p) {
    for (int64_t i = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x; i < p.n;
         i += static_cast<int64_t>(gridDim.x) * kThreads) {
        uint64_t z =
            (static_cast<uint64_t>(p.seed) << 40) + static_cast<uint64_t>(i) + 0x9e3779b97f4a7c15ull;  // splitmix64
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        const uint32_t u = static_cast<uint32_t>((z ^ (z >> 31)) >> 40);
        storeElement(p.to, p.type, i, (static_cast<float>(u) * 0x1p-23f - 1.f) * p.scale);
    }
}

dim3 streamGrid(const LaunchContext& ctx, int64_t n) {
    const int64_t blocks = (n + kThreads - 1) / kThreads;
    return dim3(static_cast<unsigned>(blocks < ctx.nSm * 8 ? blocks : ctx.nSm * 8));
}

}  // namespace

cudaError_t launchGatedMul(const LaunchContext& ctx, GatedMulParams params, int32_t nRows) {
    const dim3 grid((params.ffn / 4 + kThreads - 1) / kThreads, nRows);
    params.prefetch.splitOver(static_cast<int64_t>(grid.x) * grid.y);
    return launch(ctx, gatedMulKernel, grid, dim3(kThreads), 0, params);
}
cudaError_t launchAddBias(const LaunchContext& ctx, const AddBiasParams& params, int32_t nRows) {
    return launch(ctx, addBiasKernel, dim3((params.n + kThreads - 1) / kThreads, nRows), dim3(kThreads), 0, params);
}
cudaError_t launchSoftcap(const LaunchContext& ctx, const SoftcapParams& params) {
    return launch(ctx, softcapKernel, streamGrid(ctx, params.n), dim3(kThreads), 0, params);
}
cudaError_t launchArgmax(const LaunchContext& ctx, const ArgmaxParams& params, int32_t nRows) {
    return launch(ctx, argmaxKernel, dim3(nRows), dim3(kArgmaxThreads), 0, params);
}
cudaError_t launchEmbed(const LaunchContext& ctx, const EmbedParams& params, int32_t nRows) {
    return launch(withoutDependentLaunch(ctx), embedKernel, dim3(nRows), dim3(kThreads), 0, params);
}
cudaError_t launchConvert(const LaunchContext& ctx, const ConvertParams& params) {
    return launch(withoutDependentLaunch(ctx), convertKernel, streamGrid(ctx, params.n), dim3(kThreads), 0, params);
}
cudaError_t launchWiden(const LaunchContext& ctx, const WidenParams& params) {
    return launch(ctx, widenKernel, streamGrid(ctx, params.from.nValues() / 4), dim3(kThreads), 0, params);
}
cudaError_t launchProbeProbs(const LaunchContext& ctx, const ProbeProbsParams& params) {
    return launch(withoutDependentLaunch(ctx), probeProbsKernel, dim3(params.nHeads), dim3(kThreads), 0, params);
}
cudaError_t launchTokenKv(const LaunchContext& ctx, const TokenKvParams& params, int32_t nLayers) {
    return launch(withoutDependentLaunch(ctx), tokenKvKernel, dim3(nLayers), dim3(kThreads), 0, params);
}
cudaError_t launchCopy(const LaunchContext& ctx, void* to, const void* from, size_t nBytes) {
    const CopyParams p{static_cast<const uint4*>(from), static_cast<uint4*>(to),
                       static_cast<int64_t>(nBytes / sizeof(uint4))};
    return launch(withoutDependentLaunch(ctx), copyKernel, streamGrid(ctx, p.n / 4), dim3(kThreads), 0, p);
}
cudaError_t launchNoise(const LaunchContext& ctx, const NoiseParams& params) {
    return launch(withoutDependentLaunch(ctx), noiseKernel, streamGrid(ctx, params.n), dim3(kThreads), 0, params);
}

}  // namespace spanscope::cuda
