// What decode and prefill share of attention: scores of a few rows (query heads or queries) against pages, the
// parts of softmax, and the weighted values. A page holds sixteen tokens in sixteen lanes, so scores need no
// horizontal sums: for each d, one load of K^T and one broadcast of q[d]. Included once per instruction set.
#include <cstdint>

#include "kernels/visibility.h"

#if defined(SPANSCOPE_ATTEND_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_ATTEND_INL_H
#undef SPANSCOPE_ATTEND_INL_H
#else
#define SPANSCOPE_ATTEND_INL_H
#endif

#include "kernels/cpu/kv_load-inl.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int kPageVectors = kPageTokens / kLanes;

template <class Kv>
struct ScoreArgs {
    const float* q = nullptr;  ///< value k of row r: q[k * qDimStride + r * qRowStride]
    size_t qDimStride = 0, qRowStride = 0;
    const typename Kv::T* const* keys = nullptr;  ///< K^T of each page
    const typename Kv::T* next = nullptr;         ///< prefetched meanwhile, as long as a page's keys; or nullptr
    int32_t headDim = 0;
    float* out = nullptr;  ///< (R, P * 16), row stride outStride
    size_t outStride = 0;
};

/// Scores of R rows against P pages. S partial sums over d keep enough additions in flight where R and P do not.
template <class Kv, int R, int P, int S>
HWY_INLINE void scorePages(const ScoreArgs<Kv>& a) {
    const D d;
    V acc[S][R][P][kPageVectors];
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s)
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
                for (int v = 0; v < kPageVectors; ++v) acc[s][r][p][v] = hn::Zero(d);
    const auto one = [&](int32_t k, int s) HWY_ATTR {
        if (a.next) __builtin_prefetch(a.next + k * kPageTokens, 0, 2);
        V ks[P][kPageVectors];
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
            for (int v = 0; v < kPageVectors; ++v) ks[p][v] = Kv::load(d, a.keys[p] + k * kPageTokens + v * kLanes);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) {
            const V qs = hn::Set(d, a.q[static_cast<size_t>(k) * a.qDimStride + static_cast<size_t>(r) * a.qRowStride]);
#pragma GCC unroll 4
            for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
                for (int v = 0; v < kPageVectors; ++v) acc[s][r][p][v] = hn::MulAdd(qs, ks[p][v], acc[s][r][p][v]);
        }
    };
    int32_t k = 0;
    for (; k + S <= a.headDim; k += S)
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) one(k + s, s);
    for (; k < a.headDim; ++k) one(k, 0);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
            for (int v = 0; v < kPageVectors; ++v) {
                V sum = acc[0][r][p][v];
                for (int s = 1; s < S; ++s) sum = hn::Add(sum, acc[s][r][p][v]);
                hn::StoreU(sum, d, a.out + static_cast<size_t>(r) * a.outStride + p * kPageTokens + v * kLanes);
            }
}

/// score = cap * tanh(score / cap) in place for n scores, a multiple of 16; a cap of 0 leaves them.
HWY_INLINE void softcapScores(float* scores, int32_t n, float cap) {
    if (cap <= 0) return;
    const D d;
    const V vc = hn::Set(d, cap), inverse = hn::Set(d, 1.0f / cap);
    for (int32_t k = 0; k < n; k += kLanes)
        hn::StoreU(hn::Mul(vc, hn::Tanh(d, hn::Mul(hn::LoadU(d, scores + k), inverse))), d, scores + k);
}

/// A page's scores without a bit in `mask` become -infinity; the larger of `largest` and what is left.
HWY_INLINE V maskPage(float* scores, uint32_t mask, V largest) {
    const D d;
    const V none = hn::Set(d, -std::numeric_limits<float>::infinity());
    for (int v = 0; v < kPageVectors; ++v) {
        float* s = scores + v * kLanes;
        V score = hn::LoadU(d, s);
        if (mask != 0xffff) {
            const uint64_t bits = mask >> (v * kLanes);
            score = hn::IfThenElse(hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&bits)), score, none);
            hn::StoreU(score, d, s);
        }
        largest = hn::Max(largest, score);
    }
    return largest;
}

/// exp(score - top) in place for n scores, a multiple of 16; their sum.
HWY_INLINE float exponentials(float* scores, int32_t n, float top) {
    const D d;
    const V vt = hn::Set(d, top);
    V sum = hn::Zero(d);
    for (int32_t k = 0; k < n; k += kLanes) {
        const V e = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + k), vt));
        hn::StoreU(e, d, scores + k);
        sum = hn::Add(sum, e);
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class Kv>
struct MixArgs {
    const typename Kv::T* const* values = nullptr;  ///< (16, headDim) of each page
    int32_t nPages = 0;
    const typename Kv::T* next = nullptr;  ///< prefetched meanwhile, as long as a page's values; or nullptr
    int32_t headDim = 0;
    const float* weights = nullptr;  ///< (R, nPages * 16), row stride weightStride
    size_t weightStride = 0;
    const float* factors = nullptr;  ///< (R) for what is already in `mixed`; nullptr = 1
    float* mixed = nullptr;          ///< (R, headDim), row stride mixedStride
    size_t mixedStride = 0;
};

/// Dims [at, at + N vectors) of mixed = mixed * factor + weights * V.
template <class Kv, int R, int N>
HWY_INLINE void mixVectors(const MixArgs<Kv>& a, int32_t at) {
    const D d;
    V acc[R][N];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
            acc[r][n] = hn::LoadU(d, a.mixed + static_cast<size_t>(r) * a.mixedStride + at + n * kLanes);
            if (a.factors) acc[r][n] = hn::Mul(acc[r][n], hn::Set(d, a.factors[r]));
        }
    const float* weights = a.weights;
    for (int32_t p = 0; p < a.nPages; ++p) {
        const typename Kv::T* values = a.values[p] + at;
        for (int t = 0; t < kPageTokens; ++t, values += a.headDim, ++weights) {
            V vs[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                if (a.next) __builtin_prefetch(a.next + at + t * a.headDim + n * kLanes, 0, 2);
                vs[n] = Kv::load(d, values + n * kLanes);
            }
#pragma GCC unroll 4
            for (int r = 0; r < R; ++r) {
                const V w = hn::Set(d, weights[static_cast<size_t>(r) * a.weightStride]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) acc[r][n] = hn::MulAdd(w, vs[n], acc[r][n]);
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n)
            hn::StoreU(acc[r][n], d, a.mixed + static_cast<size_t>(r) * a.mixedStride + at + n * kLanes);
}

/// mixed = mixed * factor + weights * V for R rows.
template <class Kv, int R>
HWY_INLINE void mixPages(const MixArgs<Kv>& a) {
    constexpr int kWide = kLanes >= 16 || R < 4 ? 4 : 2;
    int32_t at = 0;
    for (; at + kWide * kLanes <= a.headDim; at += kWide * kLanes) mixVectors<Kv, R, kWide>(a, at);
    for (; at + kLanes <= a.headDim; at += kLanes) mixVectors<Kv, R, 1>(a, at);
    const hn::CappedTag<float, 1> d1;
    for (; at < a.headDim; ++at) {  // the dims that do not fill a vector
        for (size_t r = 0; r < R; ++r) {
            float& mixed = a.mixed[r * a.mixedStride + static_cast<size_t>(at)];
            float sum = a.factors ? mixed * a.factors[r] : mixed;
            const float* weights = a.weights + r * a.weightStride;
            for (int32_t p = 0; p < a.nPages; ++p)
                for (int t = 0; t < kPageTokens; ++t)
                    sum += *weights++ * hn::GetLane(Kv::load(d1, a.values[p] + t * a.headDim + at));
            mixed = sum;
        }
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
