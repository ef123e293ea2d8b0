// Split-KV decode attention over lists of kept pages; the partial results meet on the device.
//
// The idea: a fixed grid (three blocks per multiprocessor) shares out all page visits of the layer evenly
// (split_plan.h). A block's four warps take pages of a task in turn, each with its own running softmax, and meet in
// shared memory. A task that one block did alone is written at once; a task that was cut leaves its parts in L2 and
// the block that arrives last merges them (counter per task, reset by the merger, so no launch in between). One
// block serves all query heads of a KV head (eight at a time): K and V are read once.
// Bytes: kept pages x KV heads x 2 x 16 x headDim x 2 or 4, plus 8 per kept page and head; 4 operations per query
// head and value: bound by memory up to about 16 query heads per KV head on the tensor cores.
// Few pages: the time is a chain of latencies (list, page, merge in the block, arrival, merge of parts); pages other
// than the one being written are requested before waiting for the kernel that writes it.
#include "kernels/cuda/span_attention.h"

#include "kernels/cuda/span_attention_mma.cuh"
#include "kernels/cuda/span_attention_plain.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kMaxBlocksPerSm = 3;
constexpr float kLog2e = 1.4426950408889634f;

template <class Engine>
constexpr bool kIsPlain = Engine::kBlocksPerSm == 2;

/// Where a visit lies on the line of split_plan.h.
struct Task {
    int32_t row, kvHead, group, begin, nPages;
};

template <class Engine>
__global__ void __launch_bounds__(kThreads, Engine::kBlocksPerSm) spanAttentionKernel(const SpanAttentionParams p) {
    extern __shared__ float4 sDynamic[];
    __shared__ int32_t sStart[kMaxBatch + 1];
    __shared__ float2 sMl[kWarps * kHeadsPerBlock];
    __shared__ bool sLast;
    float* sO = reinterpret_cast<float*>(sDynamic);  // (kWarps, kHeadsPerBlock, headDim); while merging: weights
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int32_t perKv = p.nHeads / p.nKvHeads;
    const int32_t nGroups = (perKv + kHeadsPerBlock - 1) / kHeadsPerBlock;
    const int32_t nTasksPerRow = p.nKvHeads * nGroups;
    if (warp == 0) {  // kMaxBatch is two rows per lane
        const int32_t n0 = 2 * lane < p.nRows ? p.rows[2 * lane].nKept * nTasksPerRow : 0;
        const int32_t n1 = 2 * lane + 1 < p.nRows ? p.rows[2 * lane + 1].nKept * nTasksPerRow : 0;
        int32_t scan = n0 + n1;
#pragma unroll
        for (int o = 1; o < 32; o <<= 1) {
            const int32_t up = __shfl_up_sync(0xffffffffu, scan, o);
            if (lane >= o) scan += up;
        }
        sStart[2 * lane + 1] = scan - n1;
        sStart[2 * lane + 2] = scan;
        if (lane == 0) sStart[0] = 0;
    }
    __syncthreads();
    const SplitPlan plan = makeSplitPlan(sStart[kMaxBatch], gridDim.x, p.minPages);
    int32_t visit = blockIdx.x * plan.chunk;
    const int32_t end = min(visit + plan.chunk, plan.nVisits);
    bool waited = false;
    if (visit >= end) {
        if (tid == 0) askAhead(p.ahead, blockIdx.x);
        waitForPrevious();
        letNextStart();
        return;
    }
    const float scaleLog2 = p.scale * kLog2e;
    Engine engine;
    int32_t row = 0;
    while (visit < end) {
        while (sStart[row + 1] <= visit) ++row;
        const BatchRow r = p.rows[row];
        Task task;
        task.row = row;
        task.nPages = r.nKept;
        const int32_t local = visit - sStart[row];
        const int32_t index = local / r.nKept;  // task within the row
        task.kvHead = index / nGroups;
        task.group = index % nGroups;
        task.begin = sStart[row] + index * r.nKept;
        const int32_t first = visit - task.begin;  // page within the task
        const int32_t n = min(end, task.begin + task.nPages) - visit;
        const int32_t nMine = n > warp ? (n - warp + kWarps - 1) / kWarps : 0;
        const KeptPage* kept = r.kept + first + warp;
        const int nGroup = min(kHeadsPerBlock, perKv - task.group * kHeadsPerBlock);
        const int32_t head = task.kvHead * perKv + task.group * kHeadsPerBlock;
        const int hd = engine.headDim(p);

        KeptPage mine;
        if (lane < nMine) mine = kept[lane * kWarps];
        int32_t page = __shfl_sync(0xffffffffu, mine.page, 0);
        const bool early = waited || page != r.currentPage;
        if (nMine > 0 && early) {
            engine.loadK(p, page, task.kvHead, lane);
            engine.loadV(p, page, task.kvHead, lane);
        }
        if (!waited) {
            waitForPrevious();
            letNextStart();
            waited = true;
        }
        if (nMine > 0 && !early) {
            engine.loadK(p, page, task.kvHead, lane);
            engine.loadV(p, page, task.kvHead, lane);
        }
        engine.loadQ(p.q + (static_cast<size_t>(row) * p.nHeads + head) * hd, nGroup, lane);
        engine.reset();
        for (int32_t i = 0; i < nMine; ++i) {
            const uint32_t mask = __shfl_sync(0xffffffffu, mine.mask, i & 31);
            const bool more = i + 1 < nMine;
            if (more) {
                if (((i + 1) & 31) == 0 && i + 1 + lane < nMine) mine = kept[(i + 1 + lane) * kWarps];
                page = __shfl_sync(0xffffffffu, mine.page, (i + 1) & 31);
            }
            if constexpr (kIsPlain<Engine>) {
                engine.visit(p, mask, scaleLog2, nGroup, lane);
                if (more) engine.loadK(p, page, task.kvHead, lane);
            } else {
                float s[2][4];
                engine.scores(s);
                if (more) engine.loadK(p, page, task.kvHead, lane);
                uint32_t b0, b1;
                engine.softmax(s, mask, scaleLog2, lane, b0, b1);
                engine.values(b0, b1);
                if (more) engine.loadV(p, page, task.kvHead, lane);
            }
        }
        if (tid == 0 && visit + n == end) askAhead(p.ahead, blockIdx.x);  // while results meet
        engine.publish(sO + warp * kHeadsPerBlock * hd, sMl + warp * kHeadsPerBlock, nGroup, lane, hd);
        __syncthreads();

        const bool whole = n == task.nPages;
        const int32_t slot = partialSlot(plan, blockIdx.x, task.begin);
        const size_t outAt = (static_cast<size_t>(row) * p.nHeads + head) * hd;
        for (int e = tid; e < nGroup * hd; e += kThreads) {
            const int h = e / hd;
            float top = -INFINITY;
#pragma unroll
            for (int w = 0; w < kWarps; ++w) top = fmaxf(top, sMl[w * kHeadsPerBlock + h].x);
            const float base = top == -INFINITY ? 0.f : top;
            float sum = 0.f, total = 0.f;
#pragma unroll
            for (int w = 0; w < kWarps; ++w) {
                const float2 ml = sMl[w * kHeadsPerBlock + h];
                const float weight = fastExp2(ml.x - base);
                total += weight * ml.y;
                sum += weight * sO[w * kHeadsPerBlock * hd + e];
            }
            if (whole) {
                storeElement(p.out, p.outType, outAt + e, total > 0.f ? sum / total : 0.f);
            } else {
                p.partialO[static_cast<size_t>(slot) * kHeadsPerBlock * hd + e] = sum;
                if (e % hd == 0) p.partialMl[slot * kHeadsPerBlock + h] = make_float2(top, total);
            }
        }
        if (!whole) {
            const int32_t taskId = row * nTasksPerRow + index;
            const int32_t c0 = firstBlock(plan, task.begin), c1 = lastBlock(plan, task.begin + task.nPages);
            __threadfence();
            __syncthreads();
            if (tid == 0) {
                sLast = atomicAdd(p.arrived + taskId, 1) == c1 - c0;
                if (sLast) p.arrived[taskId] = 0;
            }
            __syncthreads();
            if (sLast) {
                __threadfence();
                const int32_t nParts = c1 - c0 + 1;
                float* weights = sO;  // (nGroup, nParts)
                for (int h = warp; h < nGroup; h += kWarps) {
                    float top = -INFINITY;
                    for (int32_t i = lane; i < nParts; i += 32)
                        top = fmaxf(top, __ldcg(p.partialMl + partialSlot(plan, c0 + i, task.begin) * kHeadsPerBlock + h).x);
                    top = warpMax(top);
                    const float base = top == -INFINITY ? 0.f : top;
                    float total = 0.f;
                    for (int32_t i = lane; i < nParts; i += 32) {
                        const float2 ml = __ldcg(p.partialMl + partialSlot(plan, c0 + i, task.begin) * kHeadsPerBlock + h);
                        const float weight = fastExp2(ml.x - base);
                        weights[h * nParts + i] = weight;
                        total += weight * ml.y;
                    }
                    total = warpSum(total);
                    const float norm = total > 0.f ? 1.f / total : 0.f;
                    __syncwarp();
                    for (int32_t i = lane; i < nParts; i += 32) weights[h * nParts + i] *= norm;
                }
                __syncthreads();
                for (int e = tid; e < nGroup * hd; e += kThreads) {
                    const float* weight = weights + e / hd * nParts;
                    float sum = 0.f;
#pragma unroll 8
                    for (int32_t i = 0; i < nParts; ++i)
                        sum += weight[i] * __ldcg(p.partialO + static_cast<size_t>(partialSlot(plan, c0 + i, task.begin)) *
                                                                  kHeadsPerBlock * hd + e);
                    storeElement(p.out, p.outType, outAt + e, sum);
                }
            }
        }
        __syncthreads();
        visit += n;
    }
}

template <class Engine>
cudaError_t launchEngine(const LaunchContext& ctx, SpanAttentionParams params) {
    params.nBlocks = ctx.nSm * Engine::kBlocksPerSm;
    params.ahead.shareOut(params.nBlocks);
    const size_t tiles = sizeof(float) * kWarps * kHeadsPerBlock * static_cast<size_t>(params.headDim);
    const size_t weights = sizeof(float) * kHeadsPerBlock * static_cast<size_t>(params.nBlocks);
    return launch(ctx, spanAttentionKernel<Engine>, dim3(params.nBlocks), dim3(kThreads), tiles > weights ? tiles : weights,
                  params);
}
template <class KV>
cudaError_t launchSixteenBit(const LaunchContext& ctx, const SpanAttentionParams& params) {
    switch (params.headDim) {
        case 32: return launchEngine<MmaEngine<KV, 32>>(ctx, params);
        case 64: return launchEngine<MmaEngine<KV, 64>>(ctx, params);
        case 128: return launchEngine<MmaEngine<KV, 128>>(ctx, params);
        default: return launchEngine<PlainEngine<KV>>(ctx, params);
    }
}

}  // namespace

SpanAttentionScratch spanAttentionScratch(int32_t nSm, int32_t maxRows, int32_t nHeads, int32_t nKvHeads,
                                          int32_t headDim) {
    const size_t nSlots = 2 * static_cast<size_t>(nSm) * kMaxBlocksPerSm;
    const int32_t nGroups = (nHeads / nKvHeads + kHeadsPerBlock - 1) / kHeadsPerBlock;
    SpanAttentionScratch s;
    s.partialOBytes = nSlots * kHeadsPerBlock * static_cast<size_t>(headDim) * sizeof(float);
    s.partialMlBytes = nSlots * kHeadsPerBlock * sizeof(float2);
    s.arrivedBytes = static_cast<size_t>(maxRows) * static_cast<size_t>(nKvHeads * nGroups) * sizeof(int32_t);
    return s;
}

bool spanAttentionTakes(int32_t headDim) { return headDim > 0 && headDim <= 256 && headDim % 8 == 0; }

cudaError_t launchSpanAttention(const LaunchContext& ctx, SpanAttentionParams params) {
    if (!spanAttentionTakes(params.headDim) || params.nRows < 1 || params.nRows > kMaxBatch) return cudaErrorInvalidValue;
    switch (params.kvType) {
        case Element::F32: return launchEngine<PlainEngine<float>>(ctx, params);
        case Element::F16: return launchSixteenBit<Half>(ctx, params);
        case Element::BF16: return launchSixteenBit<Bf16>(ctx, params);
    }
    return cudaErrorInvalidValue;
}

}  // namespace spanscope::cuda
