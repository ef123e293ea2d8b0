// What a decode step launches. Three ways to form its products:
//   one row        gemv.h: a layer is five kernels, qkv (with norm, rotation, KV append), attention, output (with
//                  residual), gate/up (with norm and activation), down (with residual)
//   a few          skinny_gemm.h: seven, with norms by themselves
//   more           cuBLASLt and small kernels between. Above four rows each matrix has what is faster (tune_step.cpp).
// Without compute capability 9.0 or 16-bit weights: gemv.h up to four rows, cuBLASLt above.

#include <algorithm>
#include <cmath>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/step/elementwise.h"
#include "kernels/cuda/step/plan_step.h"

namespace spanscope::cuda {
namespace {

float scaleFor(int32_t headDim) { return 1.f / std::sqrt(static_cast<float>(headDim)); }

}  // namespace

bool CudaBackend::skinnyFits(int32_t bucket, Matrix which) const {
    if (bucket < 2) return false;
    const Element type = m_weights.type();
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    const DeviceMatrix& first = which == kHead ? m_weights.head() : *layers.front().matrices()[which];
    const SkinnyPlan plan = planSkinny(m_ctx, first, type, bucket);
    const auto plain = [&](const DeviceLayer& l) {
        return l.matrices()[which]->format == MatrixFormat::Plain;
    };  // layers differ in format at most
    return (which == kHead || std::all_of(layers.begin(), layers.end(), plain)) && runsSkinny(plan, type, bucket);
}

bool CudaBackend::usesGemv(int32_t bucket) const {
    if (bucket > kGemvMaxRows) return false;
    const std::array<bool, kNMatrices> skinny = choiceOf(bucket).skinny;
    if (std::find(skinny.begin(), skinny.end(), false) == skinny.end()) return false;
    const auto fits = [&](const DeviceMatrix& m, bool normalised) {
        return gemvFits(m_ctx, m.format, bucket, m.cols, normalised);
    };
    for (const DeviceLayer& l : m_weights.layers())
        if (!fits(l.qkv, true) || !fits(l.o, false) || !fits(l.gateUp, true) || !fits(l.down, false)) return false;
    return fits(m_weights.head(), true);
}

LaunchContext CudaBackend::contextOf(int32_t bucket, bool gemv, const LaunchContext& ctx) const {
    if (!gemv) {
        const std::array<bool, kNMatrices>& skinny = m_choice.skinny;
        return std::find(skinny.begin(), skinny.end(), true) == skinny.end() ? ctx : withShared(ctx, kSharedAll);
    }
    const auto takes = [&](const DeviceMatrix& m) {
        return gemvTakesAllShared(ctx, m.format, m_weights.type(), bucket, m.cols);
    };
    const auto all = [&](const DeviceLayer& l) {
        return takes(l.qkv) && takes(l.o) && takes(l.gateUp) && takes(l.down);
    };
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    return withShared(
        ctx, std::all_of(layers.begin(), layers.end(), all) && takes(m_weights.head()) ? kSharedAll : kSharedMost);
}

WeightsAhead CudaBackend::ahead(const DeviceMatrix& matrix) const {
    WeightsAhead a;
    a.base = matrix.data;
    a.nBytes = matrix.dataBytes(m_weights.type());
    a.budget = m_choice.aheadBytes;
    return a;
}

WeightsAhead CudaBackend::aheadUnless(bool asked, const DeviceMatrix& matrix) const {
    return asked ? WeightsAhead{} : ahead(matrix);
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

SpanAttentionParams CudaBackend::attentionOf(int32_t bucket, Element outType) const {
    SpanAttentionParams a;
    a.rows = m_rows.as<BatchRow>();
    a.nRows = bucket;
    a.q = m_q.as<float>();
    a.kvType = m_kvType;
    a.nHeads = m_shape.nHeads;
    a.nKvHeads = m_shape.nKvHeads;
    a.headDim = m_shape.headDim;
    a.scale = scaleFor(m_shape.headDim);
    a.out = m_attended.as<>();
    a.outType = outType;
    a.work = m_attentionWork.as<BlockWork>();
    a.partialO = m_partialO.as<float>();
    a.partialMl = m_partialMl.as<float2>();
    a.arrived = m_arrived.as<int32_t>();
    a.shared = m_shared.as<int32_t>();
    return a;
}

Status CudaBackend::enqueueAttention(size_t index, SpanAttentionParams a, const LaunchContext& ctx,
                                     const std::function<Status(size_t)>& onLayer) {
    a.kv = kvOfLayer(index);
    a.ahead = ahead(m_weights.layers()[index].o);
    SPANSCOPE_CUDA_TRY(launchSpanAttention(ctx, a));
    SPANSCOPE_TRY(mark(Stage::Attention, ctx));
    return onLayer ? onLayer(index) : Status();
}

void CudaBackend::rotateAndAppend(size_t index, ProductParams& qkv) const {
    qkv.rows = m_rows.as<BatchRow>();
    qkv.rotation = m_rotation.as<float2>();
    qkv.kv = kvOfLayer(index);
    qkv.kvType = m_kvType;
    qkv.nHeads = m_shape.nHeads;
    qkv.nKvHeads = m_shape.nKvHeads;
    qkv.headDim = m_shape.headDim;
    qkv.interleaved = m_shape.ropeInterleaved;
}

Status CudaBackend::enqueueGemvLayer(const DeviceLayer& layer, size_t index, const SpanAttentionParams& attention,
                                     const LaunchContext& ctx, const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const int32_t bucket = attention.nRows;
    const Element type = m_weights.type();
    const auto product = [&](ProductRole role, const float* x, const float* gain, const float* bias,
                             const DeviceBuffer& y, int32_t yStride) {
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
    GemvParams qkv =
        product(ProductRole::Qkv, m_x.as<float>(), layer.attnNorm, layer.qkvBias, m_q, s.nHeads * s.headDim);
    rotateAndAppend(index, qkv);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.qkv, type, qkv));
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    SPANSCOPE_TRY(enqueueAttention(index, attention, ctx, onLayer));
    GemvParams o = product(ProductRole::Residual, m_attended.as<float>(), nullptr, layer.oBias, m_x, s.hidden);
    o.ahead = ahead(layer.gateUp);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.o, type, o));
    GemvParams gateUp =
        product(ProductRole::SiluMul, m_x.as<float>(), layer.mlpNorm, layer.gateUpBias, m_hidden, s.ffn);
    gateUp.ahead = ahead(layer.down);
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.gateUp, type, gateUp));
    GemvParams down = product(ProductRole::Residual, m_hidden.as<float>(), nullptr, layer.downBias, m_x, s.hidden);
    down.ahead = ahead(matrixAfterLayer(index));
    SPANSCOPE_CUDA_TRY(launchGemv(ctx, layer.down, type, down));
    return mark(Stage::Matmul, ctx);
}

Status CudaBackend::enqueueNorm(const LaunchContext& ctx, const float* gain, const WeightsAhead& ahead,
                                int32_t bucket) {
    RmsNormParams norm = normOf(m_x.as<float>(), gain, m_normed.as<>());
    norm.ahead = ahead;
    SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, bucket));
    return mark(Stage::Other, ctx);
}

Status CudaBackend::enqueueSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, const SkinnyParams& params) {
    const Element type = m_weights.type();
    SPANSCOPE_CUDA_TRY(launchSkinny(ctx, matrix, type, planSkinny(ctx, matrix, type, params.m), params));
    return mark(Stage::Matmul, ctx);
}

Status CudaBackend::enqueueWideLayer(const DeviceLayer& layer, size_t index, const SpanAttentionParams& attention,
                                     const LaunchContext& ctx, const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    const int32_t bucket = attention.nRows;
    const Element type = m_weights.type();
    const auto& skinny = m_choice.skinny;
    const auto product = [&](ProductRole role, const DeviceBuffer& x, const float* bias, const DeviceBuffer& y,
                             int32_t yStride) {
        SkinnyParams p;
        p.role = role;
        p.x = x.as<>();
        p.bias = bias;
        p.y = y.as<>();
        p.yStride = yStride;
        p.m = bucket;
        return p;
    };
    const auto gemm = [&](const DeviceMatrix& matrix, const DeviceBuffer& x, const DeviceBuffer& y,
                          bool accumulate) -> Status {
        SPANSCOPE_TRY(multiply(ctx, matrix, {bucket, x.as<>(), y.as<>(), Element::F32, accumulate}));
        return mark(Stage::Matmul, ctx);
    };
    const auto residual = [&](Matrix which, const DeviceMatrix& matrix, const DeviceBuffer& x, const float* maybeBias,
                              const DeviceMatrix& next) -> Status {
        if (!skinny[which]) {
            SPANSCOPE_TRY(gemm(matrix, x, m_x, true));
            return addBias(ctx, maybeBias, m_x.as<float>(), bucket);
        }
        SkinnyParams p = product(ProductRole::Residual, x, maybeBias, m_x, s.hidden);
        p.ahead = ahead(next);
        return enqueueSkinny(ctx, matrix, p);
    };
    SPANSCOPE_TRY(enqueueNorm(ctx, layer.attnNorm, aheadUnless(skinny[kDown], layer.qkv), bucket));
    if (skinny[kQkv]) {
        SkinnyParams qkv = product(ProductRole::Qkv, m_normed, layer.qkvBias, m_q, s.nHeads * s.headDim);
        rotateAndAppend(index, qkv);
        SPANSCOPE_TRY(enqueueSkinny(ctx, layer.qkv, qkv));
    } else {
        SPANSCOPE_TRY(gemm(layer.qkv, m_normed, m_qkv, false));
        RopeAppendParams rope = ropeOf(index);
        rope.qkv = m_qkv.as<>();
        rope.rotation = m_rotation.as<float2>();
        rope.q = m_q.as<>();
        rope.batchRows = m_rows.as<BatchRow>();
        SPANSCOPE_CUDA_TRY(launchRopeAppend(ctx, rope, bucket));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
    }
    SPANSCOPE_TRY(enqueueAttention(index, attention, ctx, onLayer));
    SPANSCOPE_TRY(residual(kO, layer.o, m_attended, layer.oBias, layer.gateUp));
    SPANSCOPE_TRY(enqueueNorm(ctx, layer.mlpNorm, aheadUnless(skinny[kO], layer.gateUp), bucket));
    if (skinny[kGateUp]) {
        SkinnyParams gateUp = product(ProductRole::SiluMul, m_normed, layer.gateUpBias, m_hidden, s.ffn);
        gateUp.yType = type;
        gateUp.ahead = ahead(layer.down);
        SPANSCOPE_TRY(enqueueSkinny(ctx, layer.gateUp, gateUp));
    } else {
        SPANSCOPE_TRY(gemm(layer.gateUp, m_normed, m_gateUp, false));
        SiluMulParams silu;
        silu.gateUp = m_gateUp.as<>();
        silu.bias = layer.gateUpBias;
        silu.y = m_hidden.as<>();
        silu.outType = type;
        silu.ffn = s.ffn;
        silu.ahead = ahead(layer.down);
        SPANSCOPE_CUDA_TRY(launchSiluMul(ctx, silu, bucket));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
    }
    return residual(kDown, layer.down, m_hidden, layer.downBias, matrixAfterLayer(index));
}

Status CudaBackend::enqueueStep(int32_t bucket, const LaunchContext& base,
                                const std::function<Status(size_t)>& onLayer) {
    const ModelShape& s = m_shape;
    m_choice = choiceOf(bucket);
    const bool gemv = usesGemv(bucket);
    const LaunchContext ctx = contextOf(bucket, gemv, base);
    const SpanAttentionParams attention = attentionOf(bucket, gemv ? Element::F32 : m_weights.type());
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
    plan.shares = spanShares(ctx, attention);
    SPANSCOPE_CUDA_TRY(launchPlanStep(ctx, plan, bucket));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    for (size_t l = 0; l < layers.size(); ++l) {
        if (gemv) SPANSCOPE_TRY(enqueueGemvLayer(layers[l], l, attention, ctx, onLayer));
        else SPANSCOPE_TRY(enqueueWideLayer(layers[l], l, attention, ctx, onLayer));
    }
    if (gemv) {
        GemvParams head;
        head.x = m_x.as<float>();
        head.gain = m_weights.finalNorm();
        head.eps = s.rmsEps;
        head.y = m_logits.as<>();
        head.yStride = s.vocab;
        head.m = bucket;
        SPANSCOPE_CUDA_TRY(launchGemv(ctx, m_weights.head(), m_weights.type(), head));
    } else {
        SPANSCOPE_TRY(
            enqueueNorm(ctx, m_weights.finalNorm(), aheadUnless(m_choice.skinny[kDown], m_weights.head()), bucket));
        if (m_choice.skinny[kHead]) {
            SkinnyParams head;
            head.x = m_normed.as<>();
            head.y = m_logits.as<>();
            head.yStride = s.vocab;
            head.m = bucket;
            SPANSCOPE_TRY(enqueueSkinny(ctx, m_weights.head(), head));
        } else {
            SPANSCOPE_TRY(
                multiply(ctx, m_weights.head(), {bucket, m_normed.as<>(), m_logits.as<>(), Element::F32, false}));
        }
    }
    SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
    ArgmaxParams argmax;
    argmax.logits = m_logits.as<float>();
    argmax.results = m_results.device<StepResult>();
    argmax.vocab = s.vocab;
    SPANSCOPE_CUDA_TRY(launchArgmax(ctx, argmax, bucket));
    return mark(Stage::Other, ctx);
}

}  // namespace spanscope::cuda
