// Small kernels of a step and of prompts. Each moves its inputs and outputs once. Limit: memory bandwidth in prompts,
// launch latency in a decode step.
#include "kernels/cuda/step/elementwise.h"

#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ float4 load4(const void* base, Element e, size_t i) {
    if (e == Element::F32) return *reinterpret_cast<const float4*>(static_cast<const float*>(base) + i);
    const uint2 u = *reinterpret_cast<const uint2*>(static_cast<const uint16_t*>(base) + i);
    const float2 a = e == Element::F16 ? unpack2<Half>(u.x) : unpack2<Bf16>(u.x);
    const float2 b = e == Element::F16 ? unpack2<Half>(u.y) : unpack2<Bf16>(u.y);
    return make_float4(a.x, a.y, b.x, b.y);
}
__device__ __forceinline__ void store4(void* base, Element e, size_t i, float4 v) {
    if (e == Element::F32) {
        *reinterpret_cast<float4*>(static_cast<float*>(base) + i) = v;
        return;
    }
    uint2 u;
    u.x = e == Element::F16 ? pack2<Half>(v.x, v.y) : pack2<Bf16>(v.x, v.y);
    u.y = e == Element::F16 ? pack2<Half>(v.z, v.w) : pack2<Bf16>(v.z, v.w);
    *reinterpret_cast<uint2*>(static_cast<uint16_t*>(base) + i) = u;
}

/// Sum over the block; every thread gets it. scratch: one float per warp.
__device__ __forceinline__ float blockSum(float v, float* scratch) {
    v = warpSum(v);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = v;
    __syncthreads();
    float sum = 0.f;
    for (int w = 0; w < static_cast<int>(blockDim.x) / 32; ++w) sum += scratch[w];
    return sum;
}

constexpr int kNormThreads = 1024;  ///< at most
constexpr int kNormQuads = 4;       ///< of a thread that stay in registers between the two uses
/// A row per block, read once where it fits into registers (16,384 values): in a decode step that read is all of its
/// time.
__global__ void __launch_bounds__(kNormThreads) rmsNormKernel(const RmsNormParams p) {
    __shared__ float scratch[kNormThreads / 32];
    const int32_t n = p.hidden / 4, step = blockDim.x;
    const float4* gain = reinterpret_cast<const float4*>(p.gain);
    float4 g[kNormQuads], v[kNormQuads];
#pragma unroll
    for (int j = 0; j < kNormQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        g[j] = i < n ? gain[i] : make_float4(0.f, 0.f, 0.f, 0.f);
    }
    launchDependents();  // before gridDependencySync(): the exception that common.cuh names
    if (threadIdx.x == 0) prefetchWeights(p.prefetch, blockIdx.x);
    gridDependencySync();
    const size_t at = static_cast<size_t>(blockIdx.x) * p.hidden;
    const float4* x = reinterpret_cast<const float4*>(p.x + at);
    const auto squares = [](float4 q) { return q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w; };
    const auto store = [&](int32_t i, float4 q, float4 gq, float scale) {
        q.x *= scale * gq.x, q.y *= scale * gq.y, q.z *= scale * gq.z, q.w *= scale * gq.w;
        store4(p.y, p.type, at + 4 * static_cast<size_t>(i), q);
    };
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < kNormQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        v[j] = i < n ? __ldcg(x + i) : make_float4(0.f, 0.f, 0.f, 0.f);
    }
#pragma unroll
    for (int j = 0; j < kNormQuads; ++j) sum += squares(v[j]);
    for (int32_t i = threadIdx.x + kNormQuads * step; i < n; i += step) sum += squares(__ldcg(x + i));
    const float scale = rsqrtf(blockSum(sum, scratch) / p.hidden + p.eps);
#pragma unroll
    for (int j = 0; j < kNormQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        if (i < n) store(i, v[j], g[j], scale);
    }
    for (int32_t i = threadIdx.x + kNormQuads * step; i < n; i += step) store(i, __ldcg(x + i), gain[i], scale);
}

/// A thread per pair of values that rotate together.
__global__ void __launch_bounds__(kThreads) ropeAppendKernel(const RopeAppendParams p) {
    const int32_t row = blockIdx.y, half = p.headDim / 2, nAll = p.nHeads + 2 * p.nKvHeads;
    const int32_t pair = blockIdx.x * kThreads + threadIdx.x;
    const int32_t head = pair / half, i = pair - head * half;
    const int32_t d0 = p.interleaved ? 2 * i : i, d1 = p.interleaved ? 2 * i + 1 : i + half;
    const bool isV = head >= p.nHeads + p.nKvHeads;
    gridDependencySync();
    launchDependents();
    if (head >= nAll) return;
    int32_t position, page;
    if (p.batchRows) {
        position = p.batchRows[row].position;
        page = p.batchRows[row].currentPage;
        if (position < 0) return;
    } else {
        position = p.position0 + row;
        page = p.table[position / kPageTokens];
    }
    const size_t in = (static_cast<size_t>(row) * nAll + head) * p.headDim;
    float a = loadElement(p.qkv, p.inType, in + d0);
    float b = loadElement(p.qkv, p.inType, in + d1);
    if (p.bias) {
        a += p.bias[head * p.headDim + d0];
        b += p.bias[head * p.headDim + d1];
    }
    if (!isV) {
        const float2 cs = p.rotation[static_cast<size_t>(row) * half + i];
        const float ra = a * cs.x - b * cs.y, rb = b * cs.x + a * cs.y;
        a = ra;
        b = rb;
    }
    if (head < p.nHeads) {
        const size_t at = (static_cast<size_t>(row) * p.nHeads + head) * p.headDim;
        storeElement(p.q, p.qType, at + d0, a);
        storeElement(p.q, p.qType, at + d1, b);
    } else {
        const int32_t kvHead = head - p.nHeads - (isV ? p.nKvHeads : 0);
        const size_t at =
            kvTile(page, p.nKvHeads, kvHead, isV, p.headDim) + static_cast<size_t>(position % kPageTokens) * p.headDim;
        storeElement(p.kv, p.kvType, at + d0, a);
        storeElement(p.kv, p.kvType, at + d1, b);
    }
}

__global__ void __launch_bounds__(kThreads) siluMulKernel(const SiluMulParams p) {
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
    const auto silu = [](float v) { return v / (1.f + __expf(-v)); };
    store4(p.y, p.outType, row * p.ffn + i,
           make_float4(silu(g.x) * u.x, silu(g.y) * u.y, silu(g.z) * u.z, silu(g.w) * u.w));
}

__global__ void __launch_bounds__(kThreads) addBiasKernel(const AddBiasParams p) {
    gridDependencySync();
    launchDependents();
    const int32_t i = blockIdx.x * kThreads + threadIdx.x;
    if (i < p.n) p.x[static_cast<size_t>(blockIdx.y) * p.n + i] += p.bias[i];
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
        p.x[row * p.hidden + i] = loadOfMatrix(p.embedding, p.type, static_cast<size_t>(token) * p.hidden + i);
    for (int32_t i = threadIdx.x; i < p.halfDim; i += kThreads) {
        double s, c;
        sincos(static_cast<double>(p.invFreq[i]) * position, &s, &c);
        p.rotation[row * p.halfDim + i] = make_float2(static_cast<float>(c), static_cast<float>(s));
    }
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

cudaError_t launchRmsNorm(const LaunchContext& ctx, RmsNormParams params, int32_t nRows) {
    params.prefetch.splitOver(nRows);
    const int32_t quads = (params.hidden / 4 + 31) / 32 * 32;
    return launch(ctx, rmsNormKernel, dim3(nRows), dim3(quads < kNormThreads ? quads : kNormThreads), 0, params);
}
cudaError_t launchRopeAppend(const LaunchContext& ctx, const RopeAppendParams& params, int32_t nRows) {
    const int32_t nPairs = (params.nHeads + 2 * params.nKvHeads) * params.headDim / 2;
    return launch(ctx, ropeAppendKernel, dim3((nPairs + kThreads - 1) / kThreads, nRows), dim3(kThreads), 0, params);
}
cudaError_t launchSiluMul(const LaunchContext& ctx, SiluMulParams params, int32_t nRows) {
    const dim3 grid((params.ffn / 4 + kThreads - 1) / kThreads, nRows);
    params.prefetch.splitOver(static_cast<int64_t>(grid.x) * grid.y);
    return launch(ctx, siluMulKernel, grid, dim3(kThreads), 0, params);
}
cudaError_t launchAddBias(const LaunchContext& ctx, const AddBiasParams& params, int32_t nRows) {
    return launch(ctx, addBiasKernel, dim3((params.n + kThreads - 1) / kThreads, nRows), dim3(kThreads), 0, params);
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
