#include "kernels/cpu/elementwise.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void rmsNorm(const float* x, const float* gain, int64_t n, float eps, float* out) {
    const D d;
    V acc = hn::Zero(d);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const V v = hn::LoadU(d, x + i);
        acc = hn::MulAdd(v, v, acc);
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, acc));
    for (; i < n; ++i) sum += x[i] * x[i];
    const float scale = 1.0f / std::sqrt(sum / static_cast<float>(n) + eps);
    const V vs = hn::Set(d, scale);
    for (i = 0; i + kLanes <= n; i += kLanes)
        hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, x + i), vs), hn::LoadU(d, gain + i)), d, out + i);
    for (; i < n; ++i) out[i] = x[i] * scale * gain[i];
}

void rmsNormPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
    const D d;
    for (int64_t c = 0; c < columns; c += kLanes) {
        V acc = hn::Zero(d);
        for (int64_t f = 0; f < n; ++f) {
            const V v = hn::LoadU(d, x + f * kPanelTokens + c);
            acc = hn::MulAdd(v, v, acc);
        }
        const V mean = hn::Div(acc, hn::Set(d, static_cast<float>(n)));
        const V scale = hn::Div(hn::Set(d, 1.0f), hn::Sqrt(hn::Add(mean, hn::Set(d, eps))));
        for (int64_t f = 0; f < n; ++f)
            hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, x + f * kPanelTokens + c), scale), hn::Set(d, gain[f])), d,
                       out + f * kPanelTokens + c);
    }
}

void ropePanel(float* head, int32_t headDim, bool interleaved, const float* cosines, const float* sines, float scale,
               int64_t columns) {
    const D d;
    const int64_t half = headDim / 2;
    const V vs = hn::Set(d, scale);
    for (int64_t i = 0; i < half; ++i) {
        float* pa = head + (interleaved ? 2 * i : i) * kPanelTokens;
        float* pb = head + (interleaved ? 2 * i + 1 : i + half) * kPanelTokens;
        for (int64_t c = 0; c < columns; c += kLanes) {
            const V cs = hn::LoadU(d, cosines + i * kPanelTokens + c), sn = hn::LoadU(d, sines + i * kPanelTokens + c);
            const V a = hn::LoadU(d, pa + c), b = hn::LoadU(d, pb + c);
            hn::StoreU(hn::Mul(vs, hn::Sub(hn::Mul(a, cs), hn::Mul(b, sn))), d, pa + c);
            hn::StoreU(hn::Mul(vs, hn::MulAdd(a, sn, hn::Mul(b, cs))), d, pb + c);
        }
    }
}

void siluMul(float* gate, const float* up, int64_t n) {
    const D d;
    const V one = hn::Set(d, 1.0f);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const V g = hn::LoadU(d, gate + i);
        const V e = hn::Exp(d, hn::Min(hn::Neg(g), hn::Set(d, 88.0f)));  // no overflow in Exp
        hn::StoreU(hn::Mul(hn::Div(g, hn::Add(one, e)), hn::LoadU(d, up + i)), d, gate + i);
    }
    for (; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

void addTo(float* x, const float* y, int64_t n) {
    const D d;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i);
    for (; i < n; ++i) x[i] += y[i];
}

float sumOfExp(const float* x, int64_t n, float largest) {
    const D d;
    const V vm = hn::Set(d, largest);
    V acc = hn::Zero(d);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) acc = hn::Add(acc, hn::Exp(d, hn::Sub(hn::LoadU(d, x + i), vm)));
    float sum = hn::GetLane(hn::SumOfLanes(d, acc));
    for (; i < n; ++i) sum += std::exp(x[i] - largest);
    return sum;
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(rmsNorm);
HWY_EXPORT(rmsNormPanel);
HWY_EXPORT(ropePanel);
HWY_EXPORT(siluMul);
HWY_EXPORT(addTo);
HWY_EXPORT(sumOfExp);

void rmsNorm(const float* x, const float* gain, int64_t n, float eps, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNorm)(x, gain, n, eps, out);
}
void rmsNormPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNormPanel)(x, gain, n, eps, columns, out);
}
void ropePanel(float* head, int32_t headDim, bool interleaved, const float* cosines, const float* sines, float scale,
               int64_t columns) {
    HWY_DYNAMIC_DISPATCH(ropePanel)(head, headDim, interleaved, cosines, sines, scale, columns);
}
void siluMul(float* gate, const float* up, int64_t n) { HWY_DYNAMIC_DISPATCH(siluMul)(gate, up, n); }
void addTo(float* x, const float* y, int64_t n) { HWY_DYNAMIC_DISPATCH(addTo)(x, y, n); }

void rope(float* head, int32_t headDim, bool interleaved, const float* cosines, const float* sines, float scale) {
    const int32_t half = headDim / 2;
    for (int32_t i = 0; i < half; ++i) {
        float& a = head[interleaved ? 2 * i : i];
        float& b = head[interleaved ? 2 * i + 1 : i + half];
        const float ra = scale * (a * cosines[i] - b * sines[i]);
        b = scale * (a * sines[i] + b * cosines[i]);
        a = ra;
    }
}

BestLogit bestLogit(const float* logits, int64_t n) {
    const float* best = std::max_element(logits, logits + n);
    const float sum = HWY_DYNAMIC_DISPATCH(sumOfExp)(logits, n, *best);
    return {static_cast<int32_t>(best - logits), -std::log(sum)};
}

}  // namespace spanscope::cpu
#endif
