// One decode step. The host writes one small item per row (and the intervals of a list that changed) into mapped memory,
// launches the bucket's captured graph, waits, and reads one token and its probability per row.
//
// Up to four rows a layer is five kernels: qkv (with norm, rotation, KV append), attention, output (with residual),
// gate/up (with norm and activation), down (with residual). Above that cuBLASLt does the products, with small
// kernels between.

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
    return bucket <= kGemvMaxRows && gemvFits(bucket, m_shape.hidden, true) &&
           gemvFits(bucket, m_shape.nHeads * m_shape.headDim, false) && gemvFits(bucket, m_shape.ffn, false);
}

WeightsAhead CudaBackend::ahead(const void* matrix, int64_t nRows, int64_t nCols) const {
    WeightsAhead a;
    a.base = matrix;
    a.nBytes = nRows * nCols * static_cast<int64_t>(elementBytes(m_weights.type()));
    a.budget = m_aheadBytes;
    return a;
}

WeightsAhead CudaBackend::aheadOfLayer(size_t index) const {
    const ModelShape& s = m_shape;
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    if (index + 1 == layers.size()) return ahead(m_weights.head(), s.vocab, s.hidden);
    return ahead(layers[index + 1].qkv, (s.nHeads + 2 * s.nKvHeads) * s.headDim, s.hidden);
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

Status CudaBackend::enqueueAttention(size_t index, int32_t bucket, Element outType, const LaunchContext& ctx) {
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
    a.minPages = m_minPages;
    a.ahead = ahead(m_weights.layers()[index].o, m_shape.hidden, m_shape.nHeads * m_shape.headDim);
    a.partialO = m_partialO.as<float>();
    a.partialMl = m_partialMl.as<float2>();
    a.arrived = m_arrived.as<int32_t>();
    SPANSCOPE_CUDA_TRY(launchSpanAttention(ctx, a));
    return {};
}

Status CudaBackend::enqueueGemvLayer(const DeviceLayer& layer, size_t index, int32_t bucket, const LaunchContext& ctx,
                                     const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const Element type = m_weights.type();
    const int32_t qWidth = s.nHeads * s.headDim;
    GemvParams qkv;
    qkv.role = GemvRole::Qkv;
    qkv.w = layer.qkv;
    qkv.bias = layer.qkvBias;
    qkv.x = m_x.as<float>();
    qkv.gain = layer.attnNorm;
    qkv.eps = s.rmsEps;
    qkv.y = m_q.as<float>();
    qkv.yStride = qWidth;
    qkv.m = bucket;
    qkv.k = s.hidden;
    qkv.nRows = (s.nHeads + 2 * s.nKvHeads) * s.headDim;
    qkv.rows = m_rows.as<BatchRow>();
    qkv.rotation = m_rotation.as<float2>();
    qkv.kv = kvOfLayer(index);
    qkv.kvType = m_kvType;
    qkv.nHeads = s.nHeads;
    qkv.nKvHeads = s.nKvHeads;
    qkv.headDim = s.headDim;
    qkv.interleaved = s.ropeInterleaved;
    if (m_tuning) {
        qkv.role = GemvRole::Plain;
        qkv.y = m_qkv.as<float>();
        qkv.yStride = qkv.nRows;
    }
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, type, qkv));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    if (!m_tuning) {
        SPANSCOPE_TRY(enqueueAttention(index, bucket, Element::F32, ctx));
        SPANSCOPE_TRY(mark(Stage::Attention, ctx));
        if (onLayer) SPANSCOPE_TRY(onLayer(index));
    }
    GemvParams o;
    o.role = GemvRole::Residual;
    o.w = layer.o;
    o.bias = layer.oBias;
    o.x = m_attended.as<float>();
    o.y = m_x.as<float>();
    o.yStride = s.hidden;
    o.m = bucket;
    o.k = qWidth;
    o.nRows = s.hidden;
    o.ahead = ahead(layer.gateUp, 2 * s.ffn, s.hidden);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, type, o));
    GemvParams gateUp;
    gateUp.role = GemvRole::SiluMul;
    gateUp.w = layer.gateUp;
    gateUp.bias = layer.gateUpBias;
    gateUp.x = m_x.as<float>();
    gateUp.gain = layer.mlpNorm;
    gateUp.eps = s.rmsEps;
    gateUp.y = m_hidden.as<float>();
    gateUp.yStride = s.ffn;
    gateUp.m = bucket;
    gateUp.k = s.hidden;
    gateUp.nRows = 2 * s.ffn;
    gateUp.ahead = ahead(layer.down, s.hidden, s.ffn);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, type, gateUp));
    GemvParams down;
    down.role = GemvRole::Residual;
    down.w = layer.down;
    down.bias = layer.downBias;
    down.x = m_hidden.as<float>();
    down.y = m_x.as<float>();
    down.yStride = s.hidden;
    down.m = bucket;
    down.k = s.ffn;
    down.nRows = s.hidden;
    down.ahead = aheadOfLayer(index);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, type, down));
    return mark(Stage::Matmul, ctx);
}

Status CudaBackend::enqueueGemmLayer(const DeviceLayer& layer, size_t index, int32_t bucket, const LaunchContext& ctx,
                                     const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const Element type = m_weights.type();
    const int32_t qWidth = s.nHeads * s.headDim, nQkv = (s.nHeads + 2 * s.nKvHeads) * s.headDim;
    RmsNormParams norm;
    norm.x = m_x.as<float>();
    norm.gain = layer.attnNorm;
    norm.y = m_normed.as<>();
    norm.type = type;
    norm.hidden = s.hidden;
    norm.eps = s.rmsEps;
    norm.ahead = ahead(layer.qkv, nQkv, s.hidden);
    SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(m_gemm.run(ctx, {bucket, nQkv, s.hidden, type, Element::F32, false}, layer.qkv, m_normed.as<>(),
                             m_qkv.as<>()));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    RopeAppendParams rope;
    rope.qkv = m_qkv.as<>();
    rope.bias = layer.qkvBias;
    rope.rotation = m_rotation.as<float2>();
    rope.q = m_q.as<>();
    rope.kv = kvOfLayer(index);
    rope.kvType = m_kvType;
    rope.nHeads = s.nHeads;
    rope.nKvHeads = s.nKvHeads;
    rope.headDim = s.headDim;
    rope.interleaved = s.ropeInterleaved;
    rope.batchRows = m_rows.as<BatchRow>();
    if (!m_tuning) {
        SPANSCOPE_CUDA_TRY(launchRopeAppend(ctx, rope, bucket));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        SPANSCOPE_TRY(enqueueAttention(index, bucket, type, ctx));
        SPANSCOPE_TRY(mark(Stage::Attention, ctx));
        if (onLayer) SPANSCOPE_TRY(onLayer(index));
    }
    SPANSCOPE_TRY(m_gemm.run(ctx, {bucket, s.hidden, qWidth, type, Element::F32, true}, layer.o, m_attended.as<>(),
                             m_x.as<>()));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    AddBiasParams bias;
    bias.x = m_x.as<float>();
    bias.n = s.hidden;
    if ((bias.bias = layer.oBias)) SPANSCOPE_CUDA_TRY(launchAddBias(ctx, bias, bucket));
    norm.gain = layer.mlpNorm;
    norm.ahead = ahead(layer.gateUp, 2 * s.ffn, s.hidden);
    SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(m_gemm.run(ctx, {bucket, 2 * s.ffn, s.hidden, type, Element::F32, false}, layer.gateUp,
                             m_normed.as<>(), m_gateUp.as<>()));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    SiluMulParams silu;
    silu.gateUp = m_gateUp.as<>();
    silu.bias = layer.gateUpBias;
    silu.y = m_hidden.as<>();
    silu.outType = type;
    silu.ffn = s.ffn;
    silu.ahead = ahead(layer.down, s.hidden, s.ffn);
    SPANSCOPE_CUDA_TRY(launchSiluMul(ctx, silu, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    SPANSCOPE_TRY(m_gemm.run(ctx, {bucket, s.hidden, s.ffn, type, Element::F32, true}, layer.down, m_hidden.as<>(),
                             m_x.as<>()));
    if ((bias.bias = layer.downBias)) SPANSCOPE_CUDA_TRY(launchAddBias(ctx, bias, bucket));
    return mark(Stage::Matmul, ctx);
}

Status CudaBackend::enqueueStep(int32_t bucket, const LaunchContext& ctx, const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
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
        head.w = m_weights.head();
        head.x = m_x.as<float>();
        head.gain = m_weights.finalNorm();
        head.eps = s.rmsEps;
        head.y = m_logits.as<float>();
        head.yStride = s.vocab;
        head.m = bucket;
        head.k = s.hidden;
        head.nRows = s.vocab;
        SPANSCOPE_CUDA_TRY(launchGemv(ctx, m_weights.type(), head));
    } else {
        RmsNormParams norm;
        norm.x = m_x.as<float>();
        norm.gain = m_weights.finalNorm();
        norm.y = m_normed.as<>();
        norm.type = m_weights.type();
        norm.hidden = s.hidden;
        norm.eps = s.rmsEps;
        norm.ahead = ahead(m_weights.head(), s.vocab, s.hidden);
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
        SPANSCOPE_TRY(m_gemm.run(ctx, {bucket, s.vocab, s.hidden, m_weights.type(), Element::F32, false},
                                 m_weights.head(), m_normed.as<>(), m_logits.as<>()));
    }
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    ArgmaxParams argmax;
    argmax.logits = m_logits.as<float>();
    argmax.results = m_results.device<StepResult>();
    argmax.vocab = s.vocab;
    SPANSCOPE_CUDA_TRY(launchArgmax(ctx, argmax, bucket));
    return mark(Stage::Other, ctx);
}

Status CudaBackend::captureBucket(int32_t bucket) {
    const auto capture = [&](const LaunchContext& ctx, cudaGraphExec_t& exec) {
        return captureGraph(ctx.stream, [&] { return enqueueStep(bucket, ctx, {}); }, exec);
    };
    cudaGraphExec_t exec = nullptr;
    Status captured = capture(m_ctx, exec);
    if (!captured.ok() && m_ctx.overlap) {  // a driver that cannot capture dependent launches: plain edges
        (void)cudaGetLastError();
        LaunchContext plain = m_ctx;
        plain.overlap = false;
        captured = capture(plain, exec);
    }
    if (!captured.ok()) return captured;
    m_graphs[bucket] = exec;
    return {};
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
        if (direct && !m_profiling) SPANSCOPE_TRY(tuneBucket(bucket));
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
