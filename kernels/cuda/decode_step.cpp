// One decode step. The host writes one small item per row (and the intervals of a list that changed) into mapped memory,
// launches the bucket's captured graph, waits, and reads one token and its probability per row.
//
// Up to four rows a layer is five kernels: qkv (with norm, rotation, KV append), attention, output (with residual),
// gate/up (with norm and activation), down (with residual). Above that cuBLASLt does the products, with small
// kernels between.

#include <algorithm>
#include <chrono>
#include <cmath>

#include "kernels/checks.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/plan_step.h"

namespace spanscope::cuda {
namespace {

float scaleFor(int32_t headDim) { return 1.f / std::sqrt(static_cast<float>(headDim)); }

/// Does the list hold `position`? The last interval first: it is the one that grows.
bool holds(std::span<const Interval> list, int32_t position) {
    for (size_t i = list.size(); i-- > 0;) {
        if (position >= list[i].begin) return position < list[i].end;
    }
    return false;
}

int64_t nowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

bool CudaBackend::usesGemv(int32_t bucket) const {
    if (bucket > kGemvMaxRows) return false;
    const auto fits = [&](const DeviceMatrix& m, bool normalised) { return gemvFits(m_ctx, m.format, bucket, m.cols, normalised); };
    for (const DeviceLayer& l : m_weights.layers())
        if (!fits(l.qkv, true) || !fits(l.o, false) || !fits(l.gateUp, true) || !fits(l.down, false)) return false;
    return fits(m_weights.head(), true);
}

LaunchContext CudaBackend::contextOf(int32_t bucket, const LaunchContext& ctx) const {
    if (!usesGemv(bucket)) return ctx;
    const auto takes = [&](const DeviceMatrix& m) { return gemvTakesAllShared(ctx, m.format, m_weights.type(), bucket, m.cols); };
    const auto all = [&](const DeviceLayer& l) { return takes(l.qkv) && takes(l.o) && takes(l.gateUp) && takes(l.down); };
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    return withShared(ctx, std::all_of(layers.begin(), layers.end(), all) && takes(m_weights.head()) ? kSharedAll : kSharedMost);
}

WeightsAhead CudaBackend::ahead(const DeviceMatrix& matrix) const {
    WeightsAhead a;
    a.base = matrix.data;
    a.nBytes = matrix.dataBytes(m_weights.type());
    a.budget = m_aheadBytes;
    return a;
}

const DeviceMatrix& CudaBackend::matrixAfterLayer(size_t index) const {
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    return index + 1 == layers.size() ? m_weights.head() : layers[index + 1].qkv;
}

Status CudaBackend::plainData(const DeviceMatrix& matrix, const LaunchContext& ctx, const void*& data) {
    data = matrix.data;
    if (matrix.format == MatrixFormat::Plain) return {};
    WidenParams widen;
    widen.from = matrix;
    widen.to = m_widened.as<>();
    widen.toType = m_weights.type();
    SPANSCOPE_CUDA_TRY(launchWiden(ctx, widen));
    data = widen.to;
    return {};
}

Status CudaBackend::multiply(const LaunchContext& ctx, const DeviceMatrix& matrix, const GemmOperands& g) {
    const void* w = nullptr;
    SPANSCOPE_TRY(plainData(matrix, ctx, w));
    return m_gemm.run(ctx, {g.nRows, matrix.rows, matrix.cols, m_weights.type(), g.outType, g.accumulate}, w, g.x, g.y);
}

Status CudaBackend::addBias(const LaunchContext& ctx, const float* maybeBias, float* x, int32_t nRows) {
    if (!maybeBias) return {};
    AddBiasParams bias;
    bias.x = x;
    bias.bias = maybeBias;
    bias.n = m_shape.hidden;
    SPANSCOPE_CUDA_TRY(launchAddBias(ctx, bias, nRows));
    return {};
}

RmsNormParams CudaBackend::normOf(const float* x, const float* gain, void* y) const {
    RmsNormParams norm;
    norm.x = x;
    norm.gain = gain;
    norm.y = y;
    norm.type = m_weights.type();
    norm.hidden = m_shape.hidden;
    norm.eps = m_shape.rmsEps;
    return norm;
}

RopeAppendParams CudaBackend::ropeOf(size_t index) const {
    RopeAppendParams rope;
    rope.bias = m_weights.layers()[index].qkvBias;
    rope.kv = kvOfLayer(index);
    rope.kvType = m_kvType;
    rope.nHeads = m_shape.nHeads;
    rope.nKvHeads = m_shape.nKvHeads;
    rope.headDim = m_shape.headDim;
    rope.interleaved = m_shape.ropeInterleaved;
    return rope;
}

Status CudaBackend::checkItems(std::span<const DecodeItem> items) {
    if (items.empty() || items.size() > static_cast<size_t>(m_options.maxBatch))
        return invalidArgument("rows of a decode step", std::to_string(items.size()),
                               "1 to " + std::to_string(m_options.maxBatch));
    for (size_t i = 0; i < items.size(); ++i) {
        const DecodeItem& item = items[i];
        Sequence* s = find(item.sequence);
        if (!s) return invalidArgument("unknown sequence", std::to_string(item.sequence.value));
        for (size_t j = 0; j < i; ++j)
            if (items[j].sequence == item.sequence)
                return invalidArgument("a sequence twice in one decode step", std::to_string(item.sequence.value));
        SPANSCOPE_TRY(checkTokens({&item.token, 1}, m_shape.vocab));
        if (item.position != s->stored)
            return invalidArgument("position of the next token", std::to_string(item.position), std::to_string(s->stored));
        if (item.position >= s->capacity)
            return invalidArgument("sequence is full", std::to_string(item.position + 1) + " tokens",
                                   "at most " + std::to_string(s->capacity));
        if (item.maskId == 0 || item.maskId != s->maskId) SPANSCOPE_TRY(checkIntervals(item.visible, "decode"));
    }
    return {};
}

Status CudaBackend::stageItem(const DecodeItem& item, Sequence& s, StepItem& out) {
    out = StepItem{};
    out.token = item.token;
    out.position = item.position;
    out.table = s.table;
    out.kept = s.kept;
    out.state = s.state;
    if (item.maskId != 0 && item.maskId == s.maskId && item.position == s.maskPosition + 1) {
        out.update = holds(item.visible, item.position) ? MaskUpdate::Extend : MaskUpdate::Keep;
    } else {
        Interval* to = m_intervals.host<Interval>() + m_nIntervalsUsed;
        int32_t n = 0;
        for (const Interval& v : item.visible) {
            const Interval c = clipToQuery(v, item.position);
            if (c.begin >= c.end) continue;
            if (n > 0 && to[n - 1].end == c.begin) to[n - 1].end = c.end;
            else to[n++] = c;
        }
        out.update = MaskUpdate::Rebuild;
        out.nIntervals = n;
        out.intervals = m_intervals.device<Interval>() + m_nIntervalsUsed;
        m_nIntervalsUsed += static_cast<size_t>(n);
    }
    s.maskId = item.maskId;
    s.maskPosition = item.position;
    return {};
}

Status CudaBackend::stageItems(std::span<const DecodeItem> items, int32_t bucket) {
    size_t nIntervals = 0;
    for (const DecodeItem& item : items) nIntervals += item.visible.size();
    if (nIntervals * sizeof(Interval) > m_intervals.nBytes())  // rare: longer lists than ever before
        SPANSCOPE_TRY(m_intervals.allocate("interval lists", 2 * nIntervals * sizeof(Interval)));
    m_nIntervalsUsed = 0;
    StepItem* rows = m_items.host<StepItem>();
    for (int32_t i = 0; i < bucket; ++i) {
        if (static_cast<size_t>(i) < items.size()) {
            const DecodeItem& item = items[static_cast<size_t>(i)];
            SPANSCOPE_TRY(stageItem(item, *find(item.sequence), rows[i]));
        } else {
            rows[i] = StepItem{};
        }
    }
    return {};
}

Status CudaBackend::enqueueAttention(size_t index, int32_t bucket, Element outType, const LaunchContext& ctx,
                                     const std::function<Status(size_t)>& onLayer) {
    SpanAttentionParams a;
    a.rows = m_rows.as<BatchRow>();
    a.nRows = bucket;
    a.q = m_q.as<float>();
    a.kv = kvOfLayer(index);
    a.kvType = m_kvType;
    a.nHeads = m_shape.nHeads;
    a.nKvHeads = m_shape.nKvHeads;
    a.headDim = m_shape.headDim;
    a.scale = scaleFor(m_shape.headDim);
    a.out = m_attended.as<>();
    a.outType = outType;
    a.ahead = ahead(m_weights.layers()[index].o);
    a.partialO = m_partialO.as<float>();
    a.partialMl = m_partialMl.as<float2>();
    a.arrived = m_arrived.as<int32_t>();
    SPANSCOPE_CUDA_TRY(launchSpanAttention(ctx, a));
    SPANSCOPE_TRY(mark(Stage::Attention, ctx));
    return onLayer ? onLayer(index) : Status();
}

Status CudaBackend::enqueueGemvLayer(const DeviceLayer& layer, size_t index, int32_t bucket, const LaunchContext& ctx,
                                     const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const Element type = m_weights.type();
    const auto product = [&](GemvRole role, const float* x, const float* gain, const float* bias, const DeviceBuffer& y, int32_t yStride) {
        GemvParams g;
        g.role = role;
        g.x = x;
        g.gain = gain;
        g.eps = s.rmsEps;
        g.bias = bias;
        g.y = y.as<float>();
        g.yStride = yStride;
        g.m = bucket;
        return g;
    };
    GemvParams qkv = product(GemvRole::Qkv, m_x.as<float>(), layer.attnNorm, layer.qkvBias, m_q, s.nHeads * s.headDim);
    qkv.rows = m_rows.as<BatchRow>();
    qkv.rotation = m_rotation.as<float2>();
    qkv.kv = kvOfLayer(index);
    qkv.kvType = m_kvType;
    qkv.nHeads = s.nHeads;
    qkv.nKvHeads = s.nKvHeads;
    qkv.headDim = s.headDim;
    qkv.interleaved = s.ropeInterleaved;
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.qkv, type, qkv));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    SPANSCOPE_TRY(enqueueAttention(index, bucket, Element::F32, ctx, onLayer));
    GemvParams o = product(GemvRole::Residual, m_attended.as<float>(), nullptr, layer.oBias, m_x, s.hidden);
    o.ahead = ahead(layer.gateUp);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.o, type, o));
    GemvParams gateUp = product(GemvRole::SiluMul, m_x.as<float>(), layer.mlpNorm, layer.gateUpBias, m_hidden, s.ffn);
    gateUp.ahead = ahead(layer.down);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.gateUp, type, gateUp));
    GemvParams down = product(GemvRole::Residual, m_hidden.as<float>(), nullptr, layer.downBias, m_x, s.hidden);
    down.ahead = ahead(matrixAfterLayer(index));
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.down, type, down));
    return mark(Stage::Matmul, ctx);
}

Status CudaBackend::enqueueGemmLayer(const DeviceLayer& layer, size_t index, int32_t bucket, const LaunchContext& ctx,
                                     const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const Element type = m_weights.type();
    const auto product = [&](const DeviceMatrix& matrix, const DeviceBuffer& x, const DeviceBuffer& y, bool accumulate) {
        return multiply(ctx, matrix, {bucket, x.as<>(), y.as<>(), Element::F32, accumulate});
    };
    RmsNormParams norm = normOf(m_x.as<float>(), layer.attnNorm, m_normed.as<>());
    norm.ahead = ahead(layer.qkv);
    SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(product(layer.qkv, m_normed, m_qkv, false));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    RopeAppendParams rope = ropeOf(index);
    rope.qkv = m_qkv.as<>();
    rope.rotation = m_rotation.as<float2>();
    rope.q = m_q.as<>();
    rope.batchRows = m_rows.as<BatchRow>();
    SPANSCOPE_CUDA_TRY(launchRopeAppend(ctx, rope, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(enqueueAttention(index, bucket, type, ctx, onLayer));
    SPANSCOPE_TRY(product(layer.o, m_attended, m_x, true));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    SPANSCOPE_TRY(addBias(ctx, layer.oBias, m_x.as<float>(), bucket));
    norm = normOf(m_x.as<float>(), layer.mlpNorm, m_normed.as<>());
    norm.ahead = ahead(layer.gateUp);
    SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(product(layer.gateUp, m_normed, m_gateUp, false));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    SiluMulParams silu;
    silu.gateUp = m_gateUp.as<>();
    silu.bias = layer.gateUpBias;
    silu.y = m_hidden.as<>();
    silu.outType = type;
    silu.ffn = s.ffn;
    silu.ahead = ahead(layer.down);
    SPANSCOPE_CUDA_TRY(launchSiluMul(ctx, silu, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(product(layer.down, m_hidden, m_x, true));
    SPANSCOPE_TRY(addBias(ctx, layer.downBias, m_x.as<float>(), bucket));
    return mark(Stage::Matmul, ctx);
}

Status CudaBackend::enqueueStep(int32_t bucket, const LaunchContext& base, const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const LaunchContext ctx = contextOf(bucket, base);
    m_aheadBytes = aheadBytes(bucket);
    PlanStepParams plan;
    plan.items = m_items.device<StepItem>();
    plan.rows = m_rows.as<BatchRow>();
    plan.x = m_x.as<float>();
    plan.embedding = m_weights.embedding();
    plan.embeddingType = m_weights.type();
    plan.hidden = s.hidden;
    plan.halfDim = s.headDim / 2;
    plan.invFreq = m_weights.invFreq();
    plan.rotation = m_rotation.as<float2>();
    SPANSCOPE_CUDA_TRY(launchPlanStep(ctx, plan, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    const bool gemv = usesGemv(bucket);
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    for (size_t l = 0; l < layers.size(); ++l) {
        if (gemv) SPANSCOPE_TRY(enqueueGemvLayer(layers[l], l, bucket, ctx, onLayer));
        else SPANSCOPE_TRY(enqueueGemmLayer(layers[l], l, bucket, ctx, onLayer));
    }
    if (gemv) {
        GemvParams head;
        head.x = m_x.as<float>();
        head.gain = m_weights.finalNorm();
        head.eps = s.rmsEps;
        head.y = m_logits.as<float>();
        head.yStride = s.vocab;
        head.m = bucket;
        SPANSCOPE_CUDA_TRY(launchGemv(ctx, m_weights.head(), m_weights.type(), head));
    } else {
        RmsNormParams norm = normOf(m_x.as<float>(), m_weights.finalNorm(), m_normed.as<>());
        norm.ahead = ahead(m_weights.head());
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
        SPANSCOPE_TRY(multiply(ctx, m_weights.head(), {bucket, m_normed.as<>(), m_logits.as<>(), Element::F32, false}));
    }
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    ArgmaxParams argmax;
    argmax.logits = m_logits.as<float>();
    argmax.results = m_results.device<StepResult>();
    argmax.vocab = s.vocab;
    SPANSCOPE_CUDA_TRY(launchArgmax(ctx, argmax, bucket));
    return mark(Stage::Other, ctx);
}

Status CudaBackend::decode(std::span<const DecodeItem> items, const DecodeOutput& output) {
    const int64_t beganNs = nowNs();
    if (m_lost) return m_lostError;
    SPANSCOPE_TRY(checkItems(items));
    const size_t n = items.size(), vocab = static_cast<size_t>(m_shape.vocab);
    if (!output.argmax.empty() && output.argmax.size() != n)
        return invalidArgument("size of argmax", std::to_string(output.argmax.size()), std::to_string(n));
    if (!output.argmaxLogprob.empty() && output.argmaxLogprob.size() != n)
        return invalidArgument("size of argmaxLogprob", std::to_string(output.argmaxLogprob.size()), std::to_string(n));
    if (!output.maybeLogits.empty() && output.maybeLogits.size() != n * vocab)
        return invalidArgument("size of the logits", std::to_string(output.maybeLogits.size()), std::to_string(n * vocab));
    const int32_t bucket = bucketFor(static_cast<int32_t>(n));
    const auto graph = m_graphs.find(bucket);
    const bool direct = m_profiling || graph == m_graphs.end();
    const auto work = [&]() -> Status {
        if (direct && !m_profiling) SPANSCOPE_TRY(tuneGemms(bucket));
        SPANSCOPE_TRY(stageItems(items, bucket));
        m_lastHostNs = nowNs() - beganNs;
        m_markStages.clear();
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_begin, m_ctx.stream));
        if (direct) {
            LaunchContext ctx = m_ctx;
            ctx.overlap = ctx.overlap && !m_profiling;
            SPANSCOPE_TRY(enqueueStep(bucket, ctx, {}));
        } else {
            SPANSCOPE_CUDA_TRY(cudaGraphLaunch(graph->second, m_ctx.stream));
        }
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_end, m_ctx.stream));
        if (!output.maybeLogits.empty())
            SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(output.maybeLogits.data(), m_logits.as<>(), n * vocab * sizeof(float),
                                               cudaMemcpyDeviceToHost, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
        SPANSCOPE_TRY(finishTiming());
        if (direct && !m_profiling) SPANSCOPE_TRY(captureBucket(bucket));  // the next step of this size
        return {};
    };
    if (Status done = guard(work()); !done) {
        for (const DecodeItem& item : items) find(item.sequence)->maskId = 0;  // the list on the device is unknown now
        return done;
    }
    const StepResult* results = m_results.host<StepResult>();
    for (size_t i = 0; i < n; ++i) {
        find(items[i].sequence)->stored += 1;
        if (!output.argmax.empty()) output.argmax[i] = results[i].argmax;
        if (!output.argmaxLogprob.empty()) output.argmaxLogprob[i] = results[i].logprob;
    }
    return {};
}

}  // namespace spanscope::cuda
