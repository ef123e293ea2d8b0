// Split-KV decode attention over lists of kept pages; the partial results meet on the device.
//
// The idea: a fixed grid shares out all page visits of the layer (split_plan.h). A block's warps take pages of a
// task in turn, each with its own running softmax, and meet in shared memory. A task that one block did alone is
// written at once; a task that was cut leaves its parts in L2 and the block that arrives last merges them (counter per
// task, reset by the merger, so no launch in between). One block serves all query heads of a KV head (eight at a time):
// K and V are read once.
// Bytes: kept pages x KV heads x 2 x 16 x headDim x 2 or 4, plus 8 per kept page and head; 4 operations per query
// head and value: bound by memory up to about 16 query heads per KV head on the tensor cores.
// Few pages: the time is a chain of latencies (list, page, merge in the block, arrival, merge of parts); pages other
// than the one being written are requested before waiting for the kernel that writes it.
// Three kernels: span_attention_direct.cuh, pages into registers, for every device, KV type and head size; with the
// copy engine of compute capability 9.0 and 16-bit KV span_attention_ring.cuh, and span_attention_cluster.cuh for a
// single sequence. Which one: span_attention_launch.cuh.
#include "kernels/cuda/attention/span_attention_launch.cuh"
#include "kernels/cuda/attention/span_shares.cuh"

namespace spanscope::cuda {
extern template cudaError_t launchSpanAttentionOf<float>(const LaunchContext&, const SpanAttentionParams&);
extern template cudaError_t launchSpanAttentionOf<Half>(const LaunchContext&, const SpanAttentionParams&);
extern template cudaError_t launchSpanAttentionOf<Bf16>(const LaunchContext&, const SpanAttentionParams&);
extern template SpanGrid gridOfSpanAttention<float>(const LaunchContext&, const SpanAttentionParams&);
extern template SpanGrid gridOfSpanAttention<Half>(const LaunchContext&, const SpanAttentionParams&);
extern template SpanGrid gridOfSpanAttention<Bf16>(const LaunchContext&, const SpanAttentionParams&);
extern template cudaError_t prepareSpanAttentionOf<Half>(const LaunchContext&);
extern template cudaError_t prepareSpanAttentionOf<Bf16>(const LaunchContext&);

cudaError_t prepareSpanAttention(const LaunchContext& ctx) {
    if (!ctx.copyEngine) return cudaSuccess;
    const cudaError_t status = prepareSpanAttentionOf<Half>(ctx);
    return status == cudaSuccess ? prepareSpanAttentionOf<Bf16>(ctx) : status;
}

SpanAttentionScratch spanAttentionScratch(int32_t nSm, int32_t maxRows, int32_t nHeads, int32_t nKvHeads,
                                          int32_t headDim) {
    const size_t nSlots = 2 * static_cast<size_t>(nSm) * kMaxBlocksPerSm;
    const size_t most = static_cast<size_t>(nHeads / nKvHeads < kHeadsPerBlock ? nHeads / nKvHeads : kHeadsPerBlock);
    SpanAttentionScratch s;
    s.partialOBytes = nSlots * most * static_cast<size_t>(headDim) * sizeof(float);
    s.partialMlBytes = nSlots * most * sizeof(float2);
    const size_t nTasks = static_cast<size_t>(tasksOf(maxRows, nHeads, nKvHeads));
    s.workBytes = std::max(nTasks, static_cast<size_t>(nSm) * kMaxBlocksPerSm) *
                  sizeof(BlockWork);  // clusters: one block per task or fewer than nSm
    s.arrivedBytes = nTasks * sizeof(int32_t);
    return s;
}

bool spanAttentionTakes(int32_t headDim) { return headDim > 0 && headDim <= 256 && headDim % 8 == 0; }

namespace {

constexpr int kShareThreads = 256;
struct ShareParams {
    SpanShares shares;
    const BatchRow* rows;
    int32_t nRows;
};
__global__ void __launch_bounds__(kShareThreads) shareKernel(const ShareParams p) {
    waitForPrevious();
    letNextStart();
    shareOut(p.shares, p.rows, p.nRows);
}

template <class Of>
auto withKvType(const SpanAttentionParams& p, const Of& of) {
    switch (p.kvType) {
        case Element::F16: return of(Half());
        case Element::BF16: return of(Bf16());
        case Element::F32: break;
    }
    return of(float());
}
bool takes(const SpanAttentionParams& p) {
    return spanAttentionTakes(p.headDim) && p.nRows >= 1 && p.nRows <= kMaxBatch;
}

}  // namespace

SpanShares spanShares(const LaunchContext& ctx, const SpanAttentionParams& params) {
    SpanShares s;
    s.work = params.work;
    s.arrived = params.shared;
    s.nKvHeads = params.nKvHeads;
    s.headsPerKv = params.nHeads / params.nKvHeads;
    s.minPages = params.minPages;
    s.grid = withKvType(params, [&](auto kv) { return gridOfSpanAttention<decltype(kv)>(ctx, params); });
    return s;
}

cudaError_t launchSpanShares(const LaunchContext& ctx, const SpanAttentionParams& params) {
    if (!takes(params)) return cudaErrorInvalidValue;
    return launch(ctx, shareKernel, dim3(1), dim3(kShareThreads), 0,
                  ShareParams{spanShares(ctx, params), params.rows, params.nRows});
}

cudaError_t launchSpanAttention(const LaunchContext& ctx, const SpanAttentionParams& params) {
    if (!takes(params)) return cudaErrorInvalidValue;
    SpanAttentionParams p = params;
    p.headsPerKv = p.nHeads / p.nKvHeads;
    return withKvType(p, [&](auto kv) { return launchSpanAttentionOf<decltype(kv)>(ctx, p); });
}

}  // namespace spanscope::cuda
