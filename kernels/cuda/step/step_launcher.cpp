// Three ways to form a step's products:
//   one row        gemv.h: a layer is five kernels, qkv (with norm, rotation, KV append), attention, output (with
//                  residual), gate/up (with norm and activation), down (with residual)
//   a few          skinny_gemm.h: seven, with norms by themselves
// One more where rotation is not part of the product (QK-norm, partial rotation), and one for each norm behind output
// or down, which the product behind it takes in where there is one row (gemvJoins()).
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
    a.nQueries = queriesOfLaunch(m_io.mostQueries(), m_model.shape.nHeads / m_model.shape.nKvHeads);
    a.q = m_buffers.q.as<float>();
    a.kvType = m_model.kv.type();
    a.nHeads = m_model.shape.nHeads;
    a.nKvHeads = m_model.shape.nKvHeads;
    a.headDim = m_model.shape.headDim;
    a.scale = m_model.attentionScale();
    a.softcap = m_model.shape.attentionSoftcap;
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
    const int32_t list = m_model.listOf(index);
    a.rows += list * step.nRows;
    a.work += list * m_buffers.workStride;
    a.kv = m_model.kv.layer(index);
    a.prefetch = prefetchOf(step, m_model.weights.layers()[index].o);
    if (!rotatesInProduct(m_model.shape, static_cast<int32_t>(index))) a.prefetch = a.prefetch.half(1);
    SPANSCOPE_CUDA_TRY(launchSpanAttention(step.ctx, a));
    SPANSCOPE_TRY(mark(Stage::Attention, step));
    return step.onLayer ? step.onLayer(index) : Status();
}

Epilogue StepLauncher::gatedEpilogue() const {
    return m_model.shape.activation == Activation::GeluTanh ? Epilogue::GeluMul : Epilogue::SiluMul;
}

void StepLauncher::rotateAndAppend(size_t index, ProductParams& qkv) const {
    const ModelShape& s = m_model.shape;
    if (!rotatesInProduct(s, static_cast<int32_t>(index))) {
        qkv.epilogue = Epilogue::Store;
        qkv.y = m_buffers.qkv.as<>();
        qkv.yStride = (s.nHeads + 2 * s.nKvHeads) * s.headDim;
        return;
    }
    qkv.epilogue = Epilogue::Qkv;
    qkv.y = m_buffers.q.as<>();
    qkv.yStride = s.nHeads * s.headDim;
    qkv.rows = m_buffers.rows.as<BatchRow>();
    qkv.rotation = m_model.rotationOf(index, m_buffers.rotation, qkv.m);
    qkv.kv = m_model.kv.layer(index);
    qkv.kvType = m_model.kv.type();
    qkv.nHeads = s.nHeads;
    qkv.nKvHeads = s.nKvHeads;
    qkv.headDim = s.headDim;
    qkv.interleaved = s.ropeInterleaved;
}

Status StepLauncher::enqueueRope(const Step& step, size_t index, const float* maybeBias) {
    RopeAppendParams rope = m_model.ropeAppend(index, m_buffers.rotation, step.nRows);
    rope.qkv = m_buffers.qkv.as<>();
    rope.bias = maybeBias;
    rope.q = m_buffers.q.as<>();
    rope.batchRows = m_buffers.rows.as<BatchRow>();
    if (!rotatesInProduct(m_model.shape, static_cast<int32_t>(index)))
        rope.prefetch = prefetchOf(step, m_model.weights.layers()[index].o).half(0);
    SPANSCOPE_CUDA_TRY(launchRopeAppend(step.ctx, rope, step.nRows));
    return mark(Stage::Other, step);
}

Status StepLauncher::enqueuePostNorm(const Step& step, const float* maybeGain) {
    if (!maybeGain) return {};
    const AddNormedParams add = m_model.addNormed(m_buffers.x.as<float>(), m_buffers.projected.as<float>(), maybeGain);
    SPANSCOPE_CUDA_TRY(launchAddNormed(step.ctx, add, step.nRows));
    return mark(Stage::Other, step);
}

void StepLauncher::readStream(ResidualStream& stream, GemvParams& product) const {
    product.x = stream.x->as<float>();
    if (!stream.maybePostNorm) return;
    const DeviceBuffer& sum = stream.x == &m_buffers.x ? m_buffers.joined : m_buffers.x;
    product.addend = m_buffers.projected.as<float>();
    product.addendGain = stream.maybePostNorm;
    product.joined = sum.as<float>();
    stream = {&sum, nullptr};
}

Status StepLauncher::enqueueGemvLayer(const Step& step, size_t index, ResidualStream& stream) {
    const ModelShape& s = m_model.shape;
    const StepBuffers& b = m_buffers;
    const DeviceLayer& layer = m_model.weights.layers()[index];
    const Element type = m_model.weights.type();
    const auto product = [&](Epilogue epilogue, const float* gain, const float* bias, const DeviceBuffer& y,
                             int32_t yStride) {
        GemvParams g;
        g.epilogue = epilogue;
        g.gain = gain;
        g.eps = s.rmsEps;
        g.bias = bias;
        g.y = y.as<float>();
        g.yStride = yStride;
        g.m = step.nRows;
        return g;
    };
    const auto residual = [&](const DeviceMatrix& matrix, const DeviceBuffer& x, const float* maybeBias,
                              const float* maybePostNorm, const DeviceMatrix& next) -> Status {
        GemvParams g = product(maybePostNorm ? Epilogue::Store : Epilogue::Residual, nullptr, maybeBias,
                               maybePostNorm ? b.projected : *stream.x, s.hidden);
        g.x = x.as<float>();
        g.prefetch = prefetchOf(step, next);
        SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, matrix, type, g));
        SPANSCOPE_TRY(mark(Stage::Matmul, step));
        if (!gemvJoins(step.nRows, s.hidden)) return enqueuePostNorm(step, maybePostNorm);
        stream.maybePostNorm = maybePostNorm;
        return {};
    };
    GemvParams qkv = product(Epilogue::Qkv, layer.attnNorm, layer.qkvBias, b.q, 0);
    readStream(stream, qkv);
    rotateAndAppend(index, qkv);
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, layer.qkv, type, qkv));
    SPANSCOPE_TRY(mark(Stage::Matmul, step));
    if (qkv.epilogue != Epilogue::Qkv) SPANSCOPE_TRY(enqueueRope(step, index, nullptr));
    SPANSCOPE_TRY(enqueueAttention(step, index));
    SPANSCOPE_TRY(residual(layer.o, b.attended, layer.oBias, layer.postAttnNorm, layer.gateUp));
    GemvParams gateUp = product(gatedEpilogue(), layer.mlpNorm, layer.gateUpBias, b.hidden, s.ffn);
    readStream(stream, gateUp);
    gateUp.prefetch = prefetchOf(step, layer.down);
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, layer.gateUp, type, gateUp));
    SPANSCOPE_TRY(mark(Stage::Matmul, step));
    return residual(layer.down, b.hidden, layer.downBias, layer.postMlpNorm, matrixAfterLayer(index));
}

Status StepLauncher::enqueueGemvHead(const Step& step, ResidualStream& stream) {
    GemvParams head;
    readStream(stream, head);
    head.gain = m_model.weights.finalNorm();
    head.eps = m_model.shape.rmsEps;
    head.y = m_buffers.logits.as<>();
    head.yStride = m_model.shape.vocab;
    head.m = step.nRows;
    SPANSCOPE_CUDA_TRY(launchGemv(step.ctx, m_model.weights.head(), m_model.weights.type(), head));
    return mark(Stage::Matmul, step);
}

Status StepLauncher::enqueuePlan(const Step& step) {
    PlanStepParams plan;
    plan.items = m_io.deviceItems();
    plan.rows = m_buffers.rows.as<BatchRow>();
    plan.x = m_buffers.x.as<float>();
    plan.embedding = m_model.weights.embedding();
    plan.embeddingType = m_model.weights.type();
    plan.embeddingScale = m_model.shape.embeddingScale;
    plan.hidden = m_model.shape.hidden;
    plan.rotations = m_model.rotations(m_buffers.rotation);
    plan.schedule = spanSchedule(step.ctx, step.attention);
    plan.schedule.nLists = m_model.nLists();
    plan.schedule.workStride = m_buffers.workStride;
    plan.nWindows = static_cast<int32_t>(m_model.windows.size());
    for (size_t w = 0; w < m_model.windows.size(); ++w) {
        plan.windows[w] = m_model.windows[w];
        plan.windowKept[w] = m_buffers.windowKept[w].as<KeptPage>();
        plan.windowPages[w] = pagesOfWindow(m_model.windows[w], m_model.kv.nPages());
    }
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
    ResidualStream stream{&m_buffers.x, nullptr};
    for (size_t l = 0; l < m_model.weights.layers().size(); ++l)
        SPANSCOPE_TRY(gemv ? enqueueGemvLayer(step, l, stream) : enqueueWideLayer(step, l));
    SPANSCOPE_TRY(gemv ? enqueueGemvHead(step, stream) : enqueueWideHead(step));
    SPANSCOPE_TRY(m_model.capLogits(step.ctx, m_buffers.logits.as<float>(), bucket));
    return enqueueArgmax(step);
}

}  // namespace spanscope::cuda
