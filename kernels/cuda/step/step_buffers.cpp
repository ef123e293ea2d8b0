#include "kernels/cuda/step/step_buffers.h"

#include "kernels/cuda/step/plan_step.h"

namespace spanscope::cuda {

Status StepBuffers::allocate(const DeviceModel& model, const LaunchContext& ctx, int32_t nRows) {
    const ModelShape& s = model.shape;
    maxRows = nRows;
    const auto u = [](int64_t v) { return static_cast<size_t>(v); };
    const size_t nQ = u(s.nHeads * s.headDim), nQkv = u((s.nHeads + 2 * s.nKvHeads) * s.headDim);
    const auto floats = [&](DeviceBuffer& buffer, const char* what, size_t perRow) {
        return buffer.allocate(what, u(maxRows) * perRow * sizeof(float));
    };
    SPANSCOPE_TRY(rows.allocate("rows", u(model.nLists()) * u(maxRows) * sizeof(BatchRow)));
    SPANSCOPE_TRY(floats(rotation, "rotations", u(nRotationTables(s)) * u(s.headDim / 2) * 2));
    SPANSCOPE_TRY(floats(x, "residual stream", u(s.hidden)));
    SPANSCOPE_TRY(floats(joined, "residual stream with a product", u(s.hidden)));
    SPANSCOPE_TRY(floats(normed, "normalised activations", u(s.hidden)));
    SPANSCOPE_TRY(floats(projected, "products before their norm", u(s.hidden)));
    SPANSCOPE_TRY(floats(qkv, "projections", nQkv));
    SPANSCOPE_TRY(floats(q, "queries", nQ));
    SPANSCOPE_TRY(floats(attended, "attention output", nQ));
    SPANSCOPE_TRY(floats(gateUp, "gate and up", 2 * u(s.ffn)));
    SPANSCOPE_TRY(floats(hidden, "hidden activations", u(s.ffn)));
    SPANSCOPE_TRY(floats(logits, "logits", u(s.vocab)));
    const SpanAttentionScratch scratch =
        spanAttentionScratch(ctx.nSm, maxRows, maxRows, s.nHeads, s.nKvHeads, s.headDim);
    workStride = static_cast<int32_t>(scratch.workBytes / sizeof(BlockWork));
    SPANSCOPE_TRY(attentionWork.allocate("schedule of attention", u(model.nLists()) * scratch.workBytes));
    for (size_t w = 0; w < model.windows.size(); ++w)
        SPANSCOPE_TRY(windowKept[w].allocate(
            "pages of a window",
            u(maxRows) * u(pagesOfWindow(model.windows[w], model.kv.nPages())) * sizeof(KeptPage)));
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
    for (const DeviceBuffer* b : {&rows, &rotation, &x, &joined, &normed, &projected, &qkv, &q, &attended, &gateUp,
                                  &hidden, &logits, &attentionWork, &partialO, &partialMl, &arrived, &rowsArrived})
        n += b->nBytes();
    for (const DeviceBuffer& b : windowKept) n += b.nBytes();
    return n;
}

}  // namespace spanscope::cuda
