// The layers of a step whose products are formed matrix by matrix, by skinny_gemm.h or cuBLASLt, with norms by
// themselves: part of step_launcher.h.
#include "kernels/cuda/step/step_launcher.h"

namespace spanscope::cuda {

using Stage = DeviceTimer::Stage;

Status StepLauncher::enqueueNorm(const Step& step, const float* maybeGain, const WeightPrefetch& prefetch) {
    RmsNormParams norm = m_model.rmsNorm(m_buffers.x.as<float>(), maybeGain, m_buffers.normed.as<>());
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
                              const float* maybeBias, const float* maybePostNorm, const DeviceMatrix& next) -> Status {
        const DeviceBuffer& y = maybePostNorm ? b.projected : b.x;
        if (skinny[which]) {
            SkinnyParams p = product(maybePostNorm ? Epilogue::Store : Epilogue::Residual, x, maybeBias, y, s.hidden);
            p.prefetch = prefetchOf(step, next);
            SPANSCOPE_TRY(enqueueSkinny(step, matrix, p));
        } else {
            SPANSCOPE_TRY(enqueueGemm(step, matrix, x, y, !maybePostNorm));
            SPANSCOPE_TRY(m_model.addBias(step.ctx, maybeBias, y.as<float>(), step.nRows));
        }
        return enqueuePostNorm(step, maybePostNorm);
    };
    // A norm prefetches the matrix after it where the product before it has not.
    const auto prefetchUnless = [&](bool done, const DeviceMatrix& matrix) {
        return done ? WeightPrefetch{} : prefetchOf(step, matrix);
    };
    SPANSCOPE_TRY(enqueueNorm(step, layer.attnNorm, prefetchUnless(skinny[kDown], layer.qkv)));
    if (skinny[kQkv]) {
        SkinnyParams qkv = product(Epilogue::Qkv, b.normed, layer.qkvBias, b.q, 0);
        rotateAndAppend(index, qkv);
        SPANSCOPE_TRY(enqueueSkinny(step, layer.qkv, qkv));
        if (qkv.epilogue != Epilogue::Qkv) SPANSCOPE_TRY(enqueueRope(step, index, nullptr));
    } else {
        SPANSCOPE_TRY(enqueueGemm(step, layer.qkv, b.normed, b.qkv, false));
        SPANSCOPE_TRY(enqueueRope(step, index, layer.qkvBias));
    }
    SPANSCOPE_TRY(enqueueAttention(step, index));
    SPANSCOPE_TRY(residual(kO, layer.o, b.attended, layer.oBias, layer.postAttnNorm, layer.gateUp));
    SPANSCOPE_TRY(enqueueNorm(step, layer.mlpNorm, prefetchUnless(skinny[kO], layer.gateUp)));
    if (skinny[kGateUp]) {
        SkinnyParams gateUp = product(gatedEpilogue(), b.normed, layer.gateUpBias, b.hidden, s.ffn);
        gateUp.yType = type;
        gateUp.prefetch = prefetchOf(step, layer.down);
        SPANSCOPE_TRY(enqueueSkinny(step, layer.gateUp, gateUp));
    } else {
        SPANSCOPE_TRY(enqueueGemm(step, layer.gateUp, b.normed, b.gateUp, false));
        GatedMulParams gated;
        gated.gateUp = b.gateUp.as<>();
        gated.bias = layer.gateUpBias;
        gated.y = b.hidden.as<>();
        gated.outType = type;
        gated.gelu = s.activation == Activation::GeluTanh;
        gated.ffn = s.ffn;
        gated.prefetch = prefetchOf(step, layer.down);
        SPANSCOPE_CUDA_TRY(launchGatedMul(step.ctx, gated, step.nRows));
        SPANSCOPE_TRY(mark(Stage::Other, step));
    }
    return residual(kDown, layer.down, b.hidden, layer.downBias, layer.postMlpNorm, matrixAfterLayer(index));
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

}  // namespace spanscope::cuda
