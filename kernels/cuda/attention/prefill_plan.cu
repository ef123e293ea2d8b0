// Once per chunk of a prompt and window: which tiles of keys each tile of queries has to look at. Work: a few bits per
// interval. Limit: latency.
#include "kernels/cuda/attention/prefill_runs.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kTile = kPrefillTile;

/// One block per query tile. Shared: two bitmaps over key tiles (some pair visible; every pair visible).
__global__ void __launch_bounds__(kThreads) prefillPlanKernel(const PrefillAttentionParams p) {
    extern __shared__ uint32_t sBits[];
    const int32_t nWords = (p.maxKeyTiles + 31) / 32;
    uint32_t* any = sBits;
    uint32_t* all = sBits + nWords;
    uint32_t* runAll = all + nWords;
    const int32_t q0 = p.position0 + blockIdx.x * kTile, q1 = min(q0 + kTile, p.position0 + p.n);
    for (int i = threadIdx.x; i < nWords; i += kThreads) any[i] = 0, all[i] = ~0u;
    __syncthreads();
    const auto setBits = [](uint32_t* words, int32_t from, int32_t to) {  // [from, to)
        for (int32_t w = from / 32; w * 32 < to; ++w) {
            const int32_t a = max(from - w * 32, 0), b = min(to - w * 32, 32);
            atomicOr(words + w, (b - a == 32 ? ~0u : ((1u << (b - a)) - 1u) << a));
        }
    };
    for (int32_t r = runAt(p.runs, p.nRuns, q0); r < p.nRuns && p.runs[r].begin < q1; ++r) {
        const DeviceRun run = p.runs[r];
        const int32_t firstQuery = max(run.begin, q0), lastQuery = min(run.end, q1) - 1;
        for (int i = threadIdx.x; i < nWords; i += kThreads) runAll[i] = 0;
        __syncthreads();
        for (int32_t i = threadIdx.x; i < run.nIntervals; i += kThreads) {
            Interval most = clipToQuery(p.intervals[run.firstInterval + i], lastQuery);
            most.begin = max(most.begin, oldestOf(p, firstQuery));
            if (most.begin < most.end) setBits(any, most.begin / kTile, (most.end - 1) / kTile + 1);
            const Interval least = clipToQuery(p.intervals[run.firstInterval + i], firstQuery);
            const int32_t from = (max(least.begin, oldestOf(p, lastQuery)) + kTile - 1) / kTile, to = least.end / kTile;
            if (from < to) setBits(runAll, from, to);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < nWords; i += kThreads) all[i] &= runAll[i];
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        uint32_t* out = p.tiles + static_cast<size_t>(blockIdx.x) * p.maxKeyTiles;
        int32_t n = 0;
        for (int32_t w = 0; w < nWords; ++w)
            for (uint32_t bits = any[w]; bits; bits &= bits - 1) {
                const int32_t b = __ffs(bits) - 1;
                out[n++] = static_cast<uint32_t>(w * 32 + b) << 1 | (all[w] >> b & 1u);
            }
        p.nTiles[blockIdx.x] = n;
    }
}

}  // namespace

cudaError_t launchPrefillPlan(const LaunchContext& ctx, const PrefillAttentionParams& params) {
    const LaunchContext alone = withoutDependentLaunch(ctx);
    const size_t shared = 3 * static_cast<size_t>((params.maxKeyTiles + 31) / 32) * sizeof(uint32_t);
    return launch(alone, prefillPlanKernel, dim3((params.n + kTile - 1) / kTile), dim3(kThreads), shared, params);
}

}  // namespace spanscope::cuda
