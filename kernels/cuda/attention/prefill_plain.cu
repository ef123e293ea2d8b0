// Attention of a prompt on the CUDA cores: any cache type, any head size up to 256, exact and slow. Bound by
// instructions.
#include "kernels/cuda/attention/prefill_runs.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 128;

/// One warp per query and head: lane = key while scoring 32 keys, lane = dimension while adding values.
__global__ void __launch_bounds__(kThreads) prefillPlainKernel(const PrefillAttentionParams p) {
    constexpr int kDims = 256 / 32;
    const int lane = threadIdx.x & 31;
    const int32_t i = blockIdx.x * (kThreads / 32) + (threadIdx.x >> 5), head = blockIdx.y;
    if (i >= p.n) return;
    const int32_t kvHead = head / (p.nHeads / p.nKvHeads), query = p.position0 + i, hd = p.headDim;
    const DeviceRun run = p.runs[runAt(p.runs, p.nRuns, query)];
    const size_t at = (static_cast<size_t>(i) * p.nHeads + head) * hd;
    float o[kDims] = {};
    float m = -INFINITY, l = 0.f;
    for (int32_t v = 0; v < run.nIntervals; ++v) {
        Interval part = clipToQuery(p.intervals[run.firstInterval + v], query);
        part.begin = max(part.begin, oldestOf(p, query));
        for (int32_t k0 = part.begin; k0 < part.end; k0 += 32) {
            const int32_t key = k0 + lane;
            const bool valid = key < part.end;
            float s = -INFINITY;
            size_t tile = 0;
            if (valid) {
                tile = kvTile(p.table[key / kPageTokens], p.nKvHeads, kvHead, 0, hd) +
                       static_cast<size_t>(key % kPageTokens) * hd;
                float dot = 0.f;
                for (int d = 0; d < hd; ++d)
                    dot += loadElement(p.q, p.qType, at + d) * loadElement(p.kv, p.kvType, tile + d);
                if (p.capScale > 0.f) s = tanhf(dot * p.capScale) * p.scaleLog2;
                else s = dot * p.scaleLog2;
            }
            const float before = m;
            m = fmaxf(m, warpMax(s));
            const float alpha = exp2f(before - m), w = exp2f(s - m);
            l = l * alpha + warpSum(w);
#pragma unroll
            for (int d = 0; d < kDims; ++d) o[d] *= alpha;
            const int32_t nHere = min(32, part.end - k0);
            for (int32_t j = 0; j < nHere; ++j) {
                const float wj = __shfl_sync(0xffffffffu, w, j);
                const size_t vAt = __shfl_sync(0xffffffffu, static_cast<unsigned long long>(tile), j) +
                                   static_cast<size_t>(kPageTokens) * hd;
#pragma unroll
                for (int d = 0; d < kDims; ++d)
                    if (d * 32 + lane < hd) o[d] += wj * loadElement(p.kv, p.kvType, vAt + d * 32 + lane);
            }
        }
    }
#pragma unroll
    for (int d = 0; d < kDims; ++d)
        if (d * 32 + lane < hd) storeElement(p.out, p.qType, at + d * 32 + lane, l > 0.f ? o[d] / l : 0.f);
}

}  // namespace

cudaError_t launchPrefillPlain(const LaunchContext& ctx, const PrefillAttentionParams& params) {
    const dim3 grid((params.n + kThreads / 32 - 1) / (kThreads / 32), params.nHeads);
    return launch(ctx, prefillPlainKernel, grid, dim3(kThreads), 0, params);
}

}  // namespace spanscope::cuda
