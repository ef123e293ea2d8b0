// Three ways to form a step's products:
//   one row        gemv.h: a layer is five kernels, qkv (with norm, rotation, KV append), attention, output (with
//                  residual), gate/up (with norm and activation), down (with residual)
//   a few          skinny_gemm.h: seven, with norms by themselves
//   more           cuBLASLt and small kernels between. Above four rows each matrix has what is faster (step_tuner.h).
// Without compute capability 9.0 or 16-bit weights: gemv.h up to four rows, cuBLASLt above.
#include "kernels/cuda/step/step_launcher.h"

#include <algorithm>

#include "kernels/cuda/step/plan_step.h"

namespace spanscope::cuda {

using Stage = DeviceTimer::Stage;

bool StepLauncher::skinnyFits(const LaunchContext& ctx, int32_t bucket, StepMatrix which) const {
    if (bucket < 2) return false;
    const Element type = m_model.weights.type();
    const std::vector<DeviceLayer>& layers = m_model.weights.layers();
    const DeviceMatrix& first = which == kHead ? m_model.weights.head() : *layers.front().matrices()[which];
    const SkinnyPlan plan = planSkinny(ctx, first, type, bucket);
    const auto plain = [&](const DeviceLayer& l) {
        return l.matrices()[which]->format == MatrixFormat::Plain;
    };  // layers differ in format at most
    return (which == kHead || std::all_of(layers.begin(), layers.end(), plain)) && canLaunchSkinny(plan, type, bucket);
}

bool StepLauncher::usesGemv(const LaunchContext& ctx, int32_t bucket, const StepChoice& choice) const {
    if (bucket > kGemvMaxRows) return false;
    if (std::find(choice.skinny.begin(), choice.skinny.end(), false) == choice.skinny.end()) return false;
    const auto fits = [&](const DeviceMatrix& m, bool normalised) {
        return gemvFits(ctx, m.format, bucket, m.cols, normalised);
    };
    for (const DeviceLayer& l : m_model.weights.layers())
        if (!fits(l.qkv, true) || !fits(l.o, false) || !fits(l.gateUp, true) || !fits(l.down, false)) return false;
    return fits(m_model.weights.head(), true);
}

LaunchContext StepLauncher::contextOf(const LaunchContext& ctx, int32_t bucket, bool gemv,
                                      const StepChoice& choice) const {
    if (!gemv) {
        const auto& skinny = choice.skinny;
        return std::find(skinny.begin(), skinny.end(), true) == skinny.end() ? ctx : withCarveout(ctx, kCarveoutAll);
    }
    const auto takes = [&](const DeviceMatrix& m) {
        return gemvSuitsFullCarveout(ctx, m.format, m_model.weights.type(), bucket, m.cols);
    };
    const auto all = [&](const DeviceLayer& l) {
        return takes(l.qkv) && takes(l.o) && takes(l.gateUp) && takes(l.down);
    };
    const std::vector<DeviceLayer>& layers = m_model.weights.layers();
    return withCarveout(ctx, std::all_of(layers.begin(), layers.end(), all) && takes(m_model.weights.head())
                                 ? kCarveoutAll
                                 : kCarveoutMost);
}

WeightPrefetch StepLauncher::prefetchOf(const Step& step, const DeviceMatrix& matrix) const {
    WeightPrefetch a;
    a.base = matrix.data;
    a.nBytes = matrix.dataBytes(m_model.weights.type());
    a.budget = step.choice.prefetchBytes;
    return a;
}

const DeviceMatrix& StepLauncher::matrixAfterLayer(size_t index) const {
    const std::vector<DeviceLayer>& layers = m_model.weights.layers();
    return index + 1 == layers.size() ? m_model.weights.head() : layers[index + 1].qkv;
}

SpanAttentionParams StepLauncher::attentionOf(int32_t bucket, Element outType) const {
    SpanAttentionParams a;
    a.rows = m_buffers.rows.as<BatchRow>();
    a.nRows = bucket;
    a.q = m_buffers.q.as<float>();
    a.kvType = m_model.kv.type();
    a.nHeads = m_model.shape.nHeads;
    a.nKvHeads = m_model.shape.nKvHeads;
    a.headDim = m_model.shape.headDim;
    a.scale = m_model.attentionScale();
    a.out = m_buffers.attended.as<>();
    a.outType = outType;
    a.work = m_buffers.attentionWork.as<BlockWork>();
    a.partialO = m_buffers.partialO.as<float>();
    a.partialMl = m_buffers.partialMl.as<float2>();
    a.arrived = m_buffers.arrived.as<int32_t>();
    a.rowsArrived = m_buffers.rowsArrived.as<int32_t>();
    return a;
}

Status StepLauncher::enqueueAttention(const Step& step, size_t index) {
    SpanAttentionParams a = step.attention;
    a.kv = m_model.kv.layer(index);
    a.prefetch = prefetchOf(step, m_model.weights.layers()[index].o);
    SPANSCOPE_CUDA_TRY(launchSpanAttention(step.ctx, a));
    SPANSCOPE_TRY(mark(Stage::Attention, step));
    return step.onLayer ? step.onLayer(index) : Status();
}

void StepLauncher::rotateAndAppend(size_t index, ProductParams& qkv) const {
    qkv.rows = m_buffers.rows.as<BatchRow>();
    qkv.rotation = m_buffers.rotation.as<float2>();
    qkv.kv = m_model.kv.layer(index);
    qkv.kvType = m_model.kv.type();
    qkv.nHeads = m_model.shape.nHeads;
    qkv.nKvHeads = m_model.shape.nKvHeads;
    qkv.headDim = m_model.shape.headDim;
    qkv.interleaved = m_model.shape.ropeInterleaved;
}

Status StepLauncher::enqueueGemvLayer(const Step& step, size_t index) {
    const ModelShape& s = m_model.shape;
    const StepBuffers& b = m_buffers;
    const DeviceLayer& layer = m_model.weights.layers()[index];
    const Element type = m_model.weights.type();
    const auto product = [&](Epilogue epilogue, const DeviceBuffer& x, const float* gain, const float* bias,
                             const DeviceBuffer& y, int32_t yStride) {
        GemvParams g;
        g.epilogue = epilogue;
        g.x = x.as<float>();
        g.gain = gain;
        g.eps = s.rmsEps;
        g.bias = bias;
        g.y = y.as<float>();
        g.yStride = yStride;
        g.m = step.nRows;
        return g;
    };
    GemvParams qkv = product(Epilogue::Qkv, b.x, layer.attnNorm, layer.qkvBias, b.q, s.nHeads * s.headDim);
    rotateAndAppend(index, qkv);
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, layer.qkv, type, qkv));
    SPANSCOPE_TRY(mark(Stage::Matmul, step));
    SPANSCOPE_TRY(enqueueAttention(step, index));
    GemvParams o = product(Epilogue::Residual, b.attended, nullptr, layer.oBias, b.x, s.hidden);
    o.prefetch = prefetchOf(step, layer.gateUp);
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, layer.o, type, o));
    GemvParams gateUp = product(Epilogue::SiluMul, b.x, layer.mlpNorm, layer.gateUpBias, b.hidden, s.ffn);
    gateUp.prefetch = prefetchOf(step, layer.down);
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, layer.gateUp, type, gateUp));
    GemvParams down = product(Epilogue::Residual, b.hidden, nullptr, layer.downBias, b.x, s.hidden);
    down.prefetch = prefetchOf(step, matrixAfterLayer(index));
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, layer.down, type, down));
    return mark(Stage::Matmul, step);
}

Status StepLauncher::enqueueGemvHead(const Step& step) {
    GemvParams head;
    head.x = m_buffers.x.as<float>();
    head.gain = m_model.weights.finalNorm();
    head.eps = m_model.shape.rmsEps;
    head.y = m_buffers.logits.as<>();
    head.yStride = m_model.shape.vocab;
    head.m = step.nRows;
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, m_model.weights.head(), m_model.weights.type(), head));
    return mark(Stage::Matmul, step);
}

Status StepLauncher::enqueueNorm(const Step& step, const float* gain, const WeightPrefetch& prefetch) {
    RmsNormParams norm = m_model.rmsNorm(m_buffers.x.as<float>(), gain, m_buffers.normed.as<>());
    norm.prefetch = prefetch;
    SPANSCOPE_CUDA_TRY(launchRmsNorm(step.ctx, norm, step.nRows));
    return mark(Stage::Other, step);
}

Status StepLauncher::enqueueSkinny(const Step& step, const DeviceMatrix& matrix, const SkinnyParams& params) {
    const Element type = m_model.weights.type();
    SPANSCOPE_CUDA_TRY(launchSkinny(step.ctx, matrix, type, planSkinny(step.ctx, matrix, type, params.m), params));
    return mark(Stage::Matmul, step);
}

Status StepLauncher::enqueueGemm(const Step& step, const DeviceMatrix& matrix, const DeviceBuffer& x,
                                 const DeviceBuffer& y, bool accumulate) {
    SPANSCOPE_TRY(m_products.multiply(step.ctx, matrix, {step.nRows, x.as<>(), y.as<>(), Element::F32, accumulate}));
    return mark(Stage::Matmul, step);
}

Status StepLauncher::enqueueWideLayer(const Step& step, size_t index) {
    const ModelShape& s = m_model.shape;
    const StepBuffers& b = m_buffers;
    const DeviceLayer& layer = m_model.weights.layers()[index];
    const Element type = m_model.weights.type();
    const auto& skinny = step.choice.skinny;
    const auto product = [&](Epilogue epilogue, const DeviceBuffer& x, const float* bias, const DeviceBuffer& y,
                             int32_t yStride) {
        SkinnyParams p;
        p.epilogue = epilogue;
        p.x = x.as<>();
        p.bias = bias;
        p.y = y.as<>();
        p.yStride = yStride;
        p.m = step.nRows;
        return p;
    };
    const auto residual = [&](StepMatrix which, const DeviceMatrix& matrix, const DeviceBuffer& x,
                              const float* maybeBias, const DeviceMatrix& next) -> Status {
        if (!skinny[which]) {
            SPANSCOPE_TRY(enqueueGemm(step, matrix, x, b.x, true));
            return m_model.addBias(step.ctx, maybeBias, b.x.as<float>(), step.nRows);
        }
        SkinnyParams p = product(Epilogue::Residual, x, maybeBias, b.x, s.hidden);
        p.prefetch = prefetchOf(step, next);
        return enqueueSkinny(step, matrix, p);
    };
    // A norm prefetches the matrix after it where the product before it has not.
    const auto prefetchUnless = [&](bool done, const DeviceMatrix& matrix) {
        return done ? WeightPrefetch{} : prefetchOf(step, matrix);
    };
    SPANSCOPE_TRY(enqueueNorm(step, layer.attnNorm, prefetchUnless(skinny[kDown], layer.qkv)));
    if (skinny[kQkv]) {
        SkinnyParams qkv = product(Epilogue::Qkv, b.normed, layer.qkvBias, b.q, s.nHeads * s.headDim);
        rotateAndAppend(index, qkv);
        SPANSCOPE_TRY(enqueueSkinny(step, layer.qkv, qkv));
    } else {
        SPANSCOPE_TRY(enqueueGemm(step, layer.qkv, b.normed, b.qkv, false));
        RopeAppendParams rope = m_model.ropeAppend(index);
        rope.qkv = b.qkv.as<>();
        rope.rotation = b.rotation.as<float2>();
        rope.q = b.q.as<>();
        rope.batchRows = b.rows.as<BatchRow>();
        SPANSCOPE_CUDA_TRY(launchRopeAppend(step.ctx, rope, step.nRows));
        SPANSCOPE_TRY(mark(Stage::Other, step));
    }
    SPANSCOPE_TRY(enqueueAttention(step, index));
    SPANSCOPE_TRY(residual(kO, layer.o, b.attended, layer.oBias, layer.gateUp));
    SPANSCOPE_TRY(enqueueNorm(step, layer.mlpNorm, prefetchUnless(skinny[kO], layer.gateUp)));
    if (skinny[kGateUp]) {
        SkinnyParams gateUp = product(Epilogue::SiluMul, b.normed, layer.gateUpBias, b.hidden, s.ffn);
        gateUp.yType = type;
        gateUp.prefetch = prefetchOf(step, layer.down);
        SPANSCOPE_TRY(enqueueSkinny(step, layer.gateUp, gateUp));
    } else {
        SPANSCOPE_TRY(enqueueGemm(step, layer.gateUp, b.normed, b.gateUp, false));
        SiluMulParams silu;
        silu.gateUp = b.gateUp.as<>();
        silu.bias = layer.gateUpBias;
        silu.y = b.hidden.as<>();
        silu.outType = type;
        silu.ffn = s.ffn;
        silu.prefetch = prefetchOf(step, layer.down);
        SPANSCOPE_CUDA_TRY(launchSiluMul(step.ctx, silu, step.nRows));
        SPANSCOPE_TRY(mark(Stage::Other, step));
    }
    return residual(kDown, layer.down, b.hidden, layer.downBias, matrixAfterLayer(index));
}

Status StepLauncher::enqueueWideHead(const Step& step) {
    const DeviceMatrix& matrix = m_model.weights.head();
    SPANSCOPE_TRY(enqueueNorm(step, m_model.weights.finalNorm(),
                              step.choice.skinny[kDown] ? WeightPrefetch{} : prefetchOf(step, matrix)));
    if (!step.choice.skinny[kHead]) return enqueueGemm(step, matrix, m_buffers.normed, m_buffers.logits, false);
    SkinnyParams head;
    head.x = m_buffers.normed.as<>();
    head.y = m_buffers.logits.as<>();
    head.yStride = m_model.shape.vocab;
    head.m = step.nRows;
    return enqueueSkinny(step, matrix, head);
}

Status StepLauncher::enqueuePlan(const Step& step) {
    PlanStepParams plan;
    plan.items = m_io.deviceItems();
    plan.rows = m_buffers.rows.as<BatchRow>();
    plan.x = m_buffers.x.as<float>();
    plan.embedding = m_model.weights.embedding();
    plan.embeddingType = m_model.weights.type();
    plan.hidden = m_model.shape.hidden;
    plan.halfDim = m_model.shape.headDim / 2;
    plan.invFreq = m_model.weights.invFreq();
    plan.rotation = m_buffers.rotation.as<float2>();
    plan.schedule = spanSchedule(step.ctx, step.attention);
    SPANSCOPE_CUDA_TRY(launchPlanStep(step.ctx, plan, step.nRows));
    return mark(Stage::Other, step);
}

Status StepLauncher::enqueueArgmax(const Step& step) {
    ArgmaxParams argmax;
    argmax.logits = m_buffers.logits.as<float>();
    argmax.results = m_io.deviceResults();
    argmax.vocab = m_model.shape.vocab;
    SPANSCOPE_CUDA_TRY(launchArgmax(step.ctx, argmax, step.nRows));
    return mark(Stage::Other, step);
}

Status StepLauncher::enqueue(const LaunchContext& ctx, int32_t bucket, const StepChoice& choice,
                             const LayerFn& onLayer) {
    const bool gemv = usesGemv(ctx, bucket, choice);
    const Step step{contextOf(ctx, bucket, gemv, choice), bucket, choice,
                    attentionOf(bucket, gemv ? Element::F32 : m_model.weights.type()), onLayer};
    SPANSCOPE_TRY(enqueuePlan(step));
    for (size_t l = 0; l < m_model.weights.layers().size(); ++l)
        SPANSCOPE_TRY(gemv ? enqueueGemvLayer(step, l) : enqueueWideLayer(step, l));
    SPANSCOPE_TRY(gemv ? enqueueGemvHead(step) : enqueueWideHead(step));
    return enqueueArgmax(step);
}

}  // namespace spanscope::cuda
