// A row per block, read once where it fits into registers. Limit: memory bandwidth in prompts, in a decode step the
// latency of that one read and of the sum over the block.
#include "kernels/cuda/step/norms.h"

#include "kernels/cuda/common.cuh"

namespace spanscope::cuda {
namespace {

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
        g[j] = p.gain && i < n ? gain[i] : make_float4(1.f, 1.f, 1.f, 1.f);
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
    const float scale = p.gain ? rsqrtf(blockSum(sum, scratch) / p.hidden + p.eps) : 1.f;
#pragma unroll
    for (int j = 0; j < kNormQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        if (i < n) store(i, v[j], g[j], scale);
    }
    for (int32_t i = threadIdx.x + kNormQuads * step; i < n; i += step)
        store(i, __ldcg(x + i), p.gain ? gain[i] : make_float4(1.f, 1.f, 1.f, 1.f), scale);
}

constexpr int kAddQuads = 2;  ///< of a thread of addNormedKernel that stay in registers: of x, of y and of the gain
__global__ void __launch_bounds__(kNormThreads) addNormedKernel(const AddNormedParams p) {
    __shared__ float scratch[kNormThreads / 32];
    const int32_t n = p.hidden / 4, step = blockDim.x;
    const float4* gain = reinterpret_cast<const float4*>(p.gain);
    const float4 zero = make_float4(0.f, 0.f, 0.f, 0.f);
    float4 g[kAddQuads], v[kAddQuads], r[kAddQuads];
#pragma unroll
    for (int j = 0; j < kAddQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        g[j] = i < n ? gain[i] : zero;
    }
    gridDependencySync();
    launchDependents();
    const size_t at = static_cast<size_t>(blockIdx.x) * p.hidden;
    const float4* y = reinterpret_cast<const float4*>(p.y + at);
    float4* x = reinterpret_cast<float4*>(p.x + at);
    const auto squares = [](float4 q) { return q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w; };
    const auto add = [](float4 to, float4 q, float4 gq, float scale) {
        to.x += q.x * (scale * gq.x), to.y += q.y * (scale * gq.y), to.z += q.z * (scale * gq.z),
            to.w += q.w * (scale * gq.w);
        return to;
    };
#pragma unroll
    for (int j = 0; j < kAddQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        v[j] = i < n ? __ldcg(y + i) : zero;
        r[j] = i < n ? __ldcg(x + i) : zero;
    }
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < kAddQuads; ++j) sum += squares(v[j]);
    for (int32_t i = threadIdx.x + kAddQuads * step; i < n; i += step) sum += squares(__ldcg(y + i));
    const float scale = rsqrtf(blockSum(sum, scratch) / static_cast<float>(p.hidden) + p.eps);
#pragma unroll
    for (int j = 0; j < kAddQuads; ++j) {
        const int32_t i = threadIdx.x + j * step;
        if (i < n) x[i] = add(r[j], v[j], g[j], scale);
    }
    for (int32_t i = threadIdx.x + kAddQuads * step; i < n; i += step)
        x[i] = add(__ldcg(x + i), __ldcg(y + i), gain[i], scale);
}

/// Threads of a row's block: whole warps, one quad of values each where there are enough.
dim3 threadsFor(int32_t hidden) {
    const int32_t quads = (hidden / 4 + 31) / 32 * 32;
    return dim3(static_cast<unsigned>(quads < kNormThreads ? quads : kNormThreads));
}

}  // namespace

cudaError_t launchRmsNorm(const LaunchContext& ctx, RmsNormParams params, int32_t nRows) {
    params.prefetch.splitOver(nRows);
    return launch(ctx, rmsNormKernel, dim3(nRows), threadsFor(params.hidden), 0, params);
}
cudaError_t launchAddNormed(const LaunchContext& ctx, const AddNormedParams& params, int32_t nRows) {
    return launch(ctx, addNormedKernel, dim3(nRows), threadsFor(params.hidden), 0, params);
}

}  // namespace spanscope::cuda
