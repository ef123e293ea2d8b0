#include "kernels/cuda/step/step_buffers.h"

namespace spanscope::cuda {

Status StepBuffers::allocate(const ModelShape& s, const LaunchContext& ctx, int32_t nRows) {
    maxRows = nRows;
    const auto u = [](int64_t v) { return static_cast<size_t>(v); };
    const size_t nQ = u(s.nHeads * s.headDim), nQkv = u((s.nHeads + 2 * s.nKvHeads) * s.headDim);
    const auto floats = [&](DeviceBuffer& buffer, const char* what, size_t perRow) {
        return buffer.allocate(what, u(maxRows) * perRow * sizeof(float));
    };
    SPANSCOPE_TRY(rows.allocate("rows", u(maxRows) * sizeof(BatchRow)));
    SPANSCOPE_TRY(floats(rotation, "rotations", u(s.headDim / 2) * 2));
    SPANSCOPE_TRY(floats(x, "residual stream", u(s.hidden)));
    SPANSCOPE_TRY(floats(normed, "normalised activations", u(s.hidden)));
    SPANSCOPE_TRY(floats(qkv, "projections", nQkv));
    SPANSCOPE_TRY(floats(q, "queries", nQ));
    SPANSCOPE_TRY(floats(attended, "attention output", nQ));
    SPANSCOPE_TRY(floats(gateUp, "gate and up", 2 * u(s.ffn)));
    SPANSCOPE_TRY(floats(hidden, "hidden activations", u(s.ffn)));
    SPANSCOPE_TRY(floats(logits, "logits", u(s.vocab)));
    const SpanAttentionScratch scratch = spanAttentionScratch(ctx.nSm, maxRows, s.nHeads, s.nKvHeads, s.headDim);
    SPANSCOPE_TRY(attentionWork.allocate("schedule of attention", scratch.workBytes));
    SPANSCOPE_TRY(partialO.allocate("partial attention", scratch.partialOBytes));
    SPANSCOPE_TRY(partialMl.allocate("partial softmax", scratch.partialMlBytes));
    SPANSCOPE_TRY(arrived.allocate("arrival counters", scratch.arrivedBytes));
    SPANSCOPE_TRY(rowsArrived.allocate("arrival counter of rows", sizeof(int32_t)));
    for (const DeviceBuffer* b : {&arrived, &rowsArrived, &attended})
        SPANSCOPE_CUDA_TRY(cudaMemsetAsync(b->as<>(), 0, b->nBytes(), ctx.stream));
    return {};
}

size_t StepBuffers::nBytes() const {
    size_t n = 0;
    for (const DeviceBuffer* b : {&rows, &rotation, &x, &normed, &qkv, &q, &attended, &gateUp, &hidden, &logits,
                                  &attentionWork, &partialO, &partialMl, &arrived, &rowsArrived})
        n += b->nBytes();
    return n;
}

}  // namespace spanscope::cuda
