// Split-KV decode attention over lists of kept pages (Flash-Decoding, with online softmax as in FlashAttention-2, arXiv
// 2307.08691).
//
// The idea: a persistent grid splits all page visits of the layer (split_plan.h). The warps of a block take the pages
// of a task in turn, each with its own online softmax, and combine in shared memory. A task that one block did alone is
// written at once; of one that was split, the partial results stay in L2, and the block that arrives last merges them
// (a counter per task, reset by whoever merges, so no second launch). One block serves all query heads of a KV head,
// eight at a time, so K and V are read once; rows of one sequence are further heads of one row, so that a pass over
// drafted tokens, too, reads them once (once per eight heads of all rows). Bytes: kept pages x KV heads x 2 x 16 x
// headDim x 2 or 4, plus 8 per kept page and head; 4 operations per query head and value: bound by memory bandwidth up
// to about 16 query heads per KV head on the tensor cores. With few pages the time is a chain of latencies (list, page,
// combine in the block, arrival, merge of splits). Pages other than the one being written are loaded before the kernel
// that writes it is done. The kernels, and which of them a launch takes: span_kernel.h.
#include "kernels/cuda/attention/span_attention_launch.cuh"
#include "kernels/cuda/attention/span_schedule.cuh"

namespace spanscope::cuda {
extern template cudaError_t launchPlain<float>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
extern template cudaError_t launchPlain<Half>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
extern template cudaError_t launchPlain<Bf16>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
extern template cudaError_t launchMma<Half>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
extern template cudaError_t launchMma<Bf16>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
extern template cudaError_t prepareMma<Half>(int);
extern template cudaError_t prepareMma<Bf16>(int);

namespace {

constexpr int kScheduleThreads = 256;
struct ScheduleParams {
    SpanSchedule schedule;
    const BatchRow* rows;
    int32_t nRows;
};
__global__ void __launch_bounds__(kScheduleThreads) scheduleKernel(const ScheduleParams p) {
    gridDependencySync();
    launchDependents();
    buildSchedule(p.schedule, p.rows, p.nRows);
}

bool takes(const SpanAttentionParams& p) {
    return spanAttentionTakes(p.headDim) && p.nRows >= 1 && p.nRows <= kMaxBatch && p.nQueries >= 1;
}

}  // namespace

cudaError_t prepareSpanAttention(const LaunchContext& ctx) {
    if (!ctx.bulkCopies) return cudaSuccess;
    constexpr int kStaticShared = 4096;  // more than any of the kernels declares
    const cudaError_t status = prepareMma<Half>(ctx.sharedPerBlock - kStaticShared);
    return status == cudaSuccess ? prepareMma<Bf16>(ctx.sharedPerBlock - kStaticShared) : status;
}

SpanAttentionScratch spanAttentionScratch(int32_t nSm, int32_t maxRows, int32_t maxQueries, int32_t nHeads,
                                          int32_t nKvHeads, int32_t headDim) {
    const SpanShape single{Element::F32, maxRows, nHeads, nKvHeads, headDim};
    SpanShape shape = single;
    shape.nQueries = queriesOfLaunch(maxQueries, nHeads / nKvHeads);
    const size_t nSlots = 2 * static_cast<size_t>(nSm) * kMaxBlocksPerSm;
    const size_t nHeadsKept = static_cast<size_t>(headsOfGroup(shape));
    const size_t nTasks = static_cast<size_t>(nTasksOf(single));  // clusters take rows of one query
    SpanAttentionScratch s;
    s.partialOBytes = nSlots * nHeadsKept * static_cast<size_t>(headDim) * sizeof(float);
    s.partialMlBytes = nSlots * nHeadsKept * sizeof(float2);
    s.workBytes = std::max(nTasks, static_cast<size_t>(nSm) * kMaxBlocksPerSm) *
                  sizeof(BlockWork);  // clusters: one block per task or fewer than nSm
    s.arrivedBytes = static_cast<size_t>(nTasksOf(shape)) * sizeof(int32_t);
    return s;
}

bool spanAttentionTakes(int32_t headDim) { return headDim > 0 && headDim <= 256 && headDim % 8 == 0; }

SpanLaunch spanLaunch(const LaunchContext& ctx, const SpanAttentionParams& p) {
    return planSpanLaunch({ctx.nSm, ctx.bulkCopies, ctx.sharedPerSm},
                          {p.kvType, p.nRows, p.nHeads, p.nKvHeads, p.headDim, p.nQueries}, p.kernel);
}

SpanSchedule spanSchedule(const LaunchContext& ctx, const SpanAttentionParams& params) {
    const SpanLaunch plan = spanLaunch(ctx, params);
    SpanSchedule s;
    s.work = params.work;
    s.rowsArrived = params.rowsArrived;
    s.nKvHeads = params.nKvHeads;
    s.headsPerKv = params.nHeads / params.nKvHeads;
    s.nQueries = params.nQueries;
    s.minPages = params.minPages;
    s.nBlocks = plan.nBlocks;
    s.cluster = plan.cluster;
    return s;
}

cudaError_t launchSpanSchedule(const LaunchContext& ctx, const SpanAttentionParams& params) {
    if (!takes(params)) return cudaErrorInvalidValue;
    return launch(ctx, scheduleKernel, dim3(1), dim3(kScheduleThreads), 0,
                  ScheduleParams{spanSchedule(ctx, params), params.rows, params.nRows});
}

cudaError_t launchSpanAttention(const LaunchContext& ctx, const SpanAttentionParams& params) {
    if (!takes(params)) return cudaErrorInvalidValue;
    const SpanLaunch plan = spanLaunch(ctx, params);
    SpanAttentionParams p = params;
    p.headsPerKv = p.nHeads / p.nKvHeads;
    p.scaleLog2 = (p.softcap > 0.f ? p.softcap : p.scale) * kLog2e;
    p.capScale = p.softcap > 0.f ? p.scale / p.softcap : 0.f;
    p.nStages = plan.nStages;
    p.prefetch.splitOver(plan.nBlocks);
    const bool plain = plan.kernel == SpanKernel::Plain;
    switch (p.kvType) {
        case Element::F16: return plain ? launchPlain<Half>(ctx, p, plan) : launchMma<Half>(ctx, p, plan);
        case Element::BF16: return plain ? launchPlain<Bf16>(ctx, p, plan) : launchMma<Bf16>(ctx, p, plan);
        case Element::F32: break;
    }
    return launchPlain<float>(ctx, p, plan);
}

}  // namespace spanscope::cuda
