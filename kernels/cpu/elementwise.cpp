#include "kernels/cpu/elementwise.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

template <bool kAdd>
HWY_INLINE void putNorm(V normed, float* out) {
    const D d;
    hn::StoreU(kAdd ? hn::Add(hn::LoadU(d, out), normed) : normed, d, out);
}

template <bool kAdd>
HWY_INLINE void normed(const float* x, const float* gain, int64_t n, float eps, float* out) {
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
        putNorm<kAdd>(hn::Mul(hn::Mul(hn::LoadU(d, x + i), vs), hn::LoadU(d, gain + i)), out + i);
    for (; i < n; ++i) {
        const float v = x[i] * scale * gain[i];
        out[i] = kAdd ? out[i] + v : v;
    }
}

void rmsNorm(const float* x, const float* gain, int64_t n, float eps, float* out) {
    normed<false>(x, gain, n, eps, out);
}
void rmsNormAdd(const float* x, const float* gain, int64_t n, float eps, float* out) {
    normed<true>(x, gain, n, eps, out);
}

template <bool kAdd>
HWY_INLINE void normedPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
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
            putNorm<kAdd>(hn::Mul(hn::Mul(hn::LoadU(d, x + f * kPanelTokens + c), scale), hn::Set(d, gain[f])),
                          out + f * kPanelTokens + c);
    }
}

void rmsNormPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
    normedPanel<false>(x, gain, n, eps, columns, out);
}
void rmsNormAddPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
    normedPanel<true>(x, gain, n, eps, columns, out);
}

void ropePanel(float* head, RopePairs pairs, const float* cosines, const float* sines, float scale, int64_t columns) {
    const D d;
    const V vs = hn::Set(d, scale);
    for (int64_t i = 0; i < pairs.nPairs; ++i) {
        float* pa = head + (pairs.interleaved ? 2 * i : i) * kPanelTokens;
        float* pb = head + (pairs.interleaved ? 2 * i + 1 : i + pairs.nPairs) * kPanelTokens;
        for (int64_t c = 0; c < columns; c += kLanes) {
            const V cs = hn::LoadU(d, cosines + i * kPanelTokens + c), sn = hn::LoadU(d, sines + i * kPanelTokens + c);
            const V a = hn::LoadU(d, pa + c), b = hn::LoadU(d, pb + c);
            hn::StoreU(hn::Mul(vs, hn::Sub(hn::Mul(a, cs), hn::Mul(b, sn))), d, pa + c);
            hn::StoreU(hn::Mul(vs, hn::MulAdd(a, sn, hn::Mul(b, cs))), d, pb + c);
        }
    }
    for (int64_t i = 2 * pairs.nPairs; i < pairs.headDim; ++i) {
        float* p = head + i * kPanelTokens;
        for (int64_t c = 0; c < columns; c += kLanes) hn::StoreU(hn::Mul(vs, hn::LoadU(d, p + c)), d, p + c);
    }
}

/// gate / (1 + exp(-t)) * up, where t is a function of gate: the sigmoid of t is what both activations weigh gate with.
template <class Argument, class ArgumentOfOne>
HWY_INLINE void sigmoidMul(float* gate, const float* up, int64_t n, const Argument& t, const ArgumentOfOne& t1) {
    const D d;
    const V one = hn::Set(d, 1.0f);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const V g = hn::LoadU(d, gate + i);
        const V e = hn::Exp(d, hn::Min(hn::Neg(t(g)), hn::Set(d, 88.0f)));  // no overflow in Exp
        hn::StoreU(hn::Mul(hn::Div(g, hn::Add(one, e)), hn::LoadU(d, up + i)), d, gate + i);
    }
    for (; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-t1(gate[i]))) * up[i];
}

void siluMul(float* gate, const float* up, int64_t n) {
    sigmoidMul(
        gate, up, n, [](V g) HWY_ATTR { return g; }, [](float g) { return g; });
}

void geluTanhMul(float* gate, const float* up, int64_t n) {
    // (1 + tanh(u)) / 2 is the sigmoid of 2u, and u = sqrt(2 / pi) (g + 0.044715 g^3).
    constexpr float kLinear = 1.5957691216057308f, kCubic = 0.044715f * kLinear;
    const auto t = [](V g) HWY_ATTR {
        const D d;
        return hn::Mul(g, hn::MulAdd(hn::Mul(g, g), hn::Set(d, kCubic), hn::Set(d, kLinear)));
    };
    sigmoidMul(gate, up, n, t, [](float g) { return g * (g * g * kCubic + kLinear); });
}

void softcap(float* x, int64_t n, float cap) {
    const D d;
    const V vc = hn::Set(d, cap), inverse = hn::Set(d, 1.0f / cap);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
        hn::StoreU(hn::Mul(vc, hn::Tanh(d, hn::Mul(hn::LoadU(d, x + i), inverse))), d, x + i);
    for (; i < n; ++i) x[i] = cap * std::tanh(x[i] * (1.0f / cap));
}

float largestOf(const float* x, int64_t n) {
    const D d;
    float largest = x[0];
    int64_t i = 0;
    if (n >= 4 * kLanes) {
        V most[4];
        for (int j = 0; j < 4; ++j) most[j] = hn::LoadU(d, x + j * kLanes);
        for (i = 4 * kLanes; i + 4 * kLanes <= n; i += 4 * kLanes)
            for (int j = 0; j < 4; ++j) most[j] = hn::Max(most[j], hn::LoadU(d, x + i + j * kLanes));
        largest = hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(most[0], most[1]), hn::Max(most[2], most[3]))));
    }
    for (; i < n; ++i) largest = std::max(largest, x[i]);
    return largest;
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
HWY_EXPORT(rmsNormAdd);
HWY_EXPORT(rmsNormPanel);
HWY_EXPORT(rmsNormAddPanel);
HWY_EXPORT(ropePanel);
HWY_EXPORT(siluMul);
HWY_EXPORT(geluTanhMul);
HWY_EXPORT(softcap);
HWY_EXPORT(largestOf);
HWY_EXPORT(sumOfExp);

void rmsNorm(const float* x, const float* gain, int64_t n, float eps, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNorm)(x, gain, n, eps, out);
}
void rmsNormAdd(const float* x, const float* gain, int64_t n, float eps, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNormAdd)(x, gain, n, eps, out);
}
void rmsNormPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNormPanel)(x, gain, n, eps, columns, out);
}
void rmsNormAddPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNormAddPanel)(x, gain, n, eps, columns, out);
}
void ropePanel(float* head, RopePairs pairs, const float* cosines, const float* sines, float scale, int64_t columns) {
    HWY_DYNAMIC_DISPATCH(ropePanel)(head, pairs, cosines, sines, scale, columns);
}
void siluMul(float* gate, const float* up, int64_t n) { HWY_DYNAMIC_DISPATCH(siluMul)(gate, up, n); }
void geluTanhMul(float* gate, const float* up, int64_t n) { HWY_DYNAMIC_DISPATCH(geluTanhMul)(gate, up, n); }
void softcap(float* x, int64_t n, float cap) { HWY_DYNAMIC_DISPATCH(softcap)(x, n, cap); }

void rope(float* head, RopePairs pairs, const float* cosines, const float* sines, float scale) {
    for (int64_t i = 0; i < pairs.nPairs; ++i) {
        float& a = head[pairs.interleaved ? 2 * i : i];
        float& b = head[pairs.interleaved ? 2 * i + 1 : i + pairs.nPairs];
        const float ra = scale * (a * cosines[i] - b * sines[i]);
        b = scale * (a * sines[i] + b * cosines[i]);
        a = ra;
    }
    for (int64_t i = 2 * pairs.nPairs; i < pairs.headDim; ++i) head[i] *= scale;
}

LogitRange logitRange(const float* row, int64_t first, int64_t n) {
    const float* x = row + first;
    const float largest = HWY_DYNAMIC_DISPATCH(largestOf)(x, n);
    const float* at = std::find(x, x + n, largest);
    if (at == x + n) at = x;  // no number is among them
    return {largest, static_cast<int32_t>(at - row), HWY_DYNAMIC_DISPATCH(sumOfExp)(x, n, largest)};
}

BestLogit bestLogit(std::span<const LogitRange> ranges) {
    const LogitRange* best = ranges.data();
    for (const LogitRange& range : ranges)
        if (range.largest > best->largest) best = &range;
    float sum = 0;
    for (const LogitRange& range : ranges)
        if (range.largest != -std::numeric_limits<float>::infinity())
            sum += range.sum * std::exp(range.largest - best->largest);
    return {best->index, -std::log(sum)};
}

}  // namespace spanscope::cpu
#endif
