// Idea: a tile of 32 queries walks the run's pages once, four pages (64 keys) at a time; both products are the
// 4-row kernel of the matrices (scores: rows are queries, lanes are keys; values: lanes are headDim), with the
// running largest score and sum of the streaming softmax (arXiv 1805.02867, 2205.14135) between them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attend_prefill.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/cpu/kv_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
inline constexpr int kLanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
inline constexpr int kPageVectors = kPageTokens / kLanes;
inline constexpr int kBlockPages = 4;
inline constexpr int kBlockKeys = kBlockPages * kPageTokens;
inline constexpr int kRows = 4;  ///< queries in registers

/// Scores (kRows, kBlockKeys) of queries [i, i + kRows) against P pages. Columns past the tile are computed from
/// whatever stands there and never used.
template <class Kv, int P>
HWY_INLINE void scores(const PrefillTile& t, const float* q, const typename Kv::T* const* keys, float* out) {
    const D d;
    V acc[kRows][P][kPageVectors];
    for (auto& r : acc)
        for (auto& p : r)
            for (auto& v : p) v = hn::Zero(d);
    for (int32_t k = 0; k < t.headDim; ++k) {
        V ks[P][kPageVectors];
        for (int p = 0; p < P; ++p)
            for (int v = 0; v < kPageVectors; ++v) ks[p][v] = Kv::load(d, keys[p] + k * kPageTokens + v * kLanes);
        for (int r = 0; r < kRows; ++r) {
            const V qs = hn::Set(d, q[k * kPanelTokens + r]);
            for (int p = 0; p < P; ++p)
                for (int v = 0; v < kPageVectors; ++v) acc[r][p][v] = hn::MulAdd(qs, ks[p][v], acc[r][p][v]);
        }
    }
    for (int r = 0; r < kRows; ++r)
        for (int p = 0; p < P; ++p)
            for (int v = 0; v < kPageVectors; ++v)
                hn::StoreU(acc[r][p][v], d, out + r * kBlockKeys + p * kPageTokens + v * kLanes);
}

/// One row: mask, new largest, exponentials; returns the factor for what was summed before.
HWY_INLINE float softmaxRow(float* row, const PageRef* pages, int32_t nBlockPages, int32_t query, float& top, float& sum) {
    const D d;
    const V none = hn::Set(d, -std::numeric_limits<float>::infinity());
    V largest = none;
    for (int32_t p = 0; p < nBlockPages; ++p) {
        uint32_t mask = pages[p].mask;
        const int32_t last = query - pages[p].first;
        if (last < kPageTokens - 1) mask &= last < 0 ? 0u : (2u << last) - 1u;
        for (int v = 0; v < kPageVectors; ++v) {
            float* s = row + p * kPageTokens + v * kLanes;
            V score = hn::LoadU(d, s);
            if (mask != 0xffff) {
                const uint64_t bits = mask >> (v * kLanes);
                score = hn::IfThenElse(hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&bits)), score, none);
                hn::StoreU(score, d, s);
            }
            largest = hn::Max(largest, score);
        }
    }
    const float newTop = std::max(top, hn::GetLane(hn::MaxOfLanes(d, largest)));
    const float base = std::isinf(newTop) ? 0.0f : newTop;  // nothing visible yet: every exponential is zero
    const V vb = hn::Set(d, base);
    V acc = hn::Zero(d);
    for (int32_t k = 0; k < nBlockPages * kPageTokens; k += kLanes) {
        const V e = hn::Exp(d, hn::Sub(hn::LoadU(d, row + k), vb));
        hn::StoreU(e, d, row + k);
        acc = hn::Add(acc, e);
    }
    const float factor = std::exp(top - base);
    sum = sum * factor + hn::GetLane(hn::SumOfLanes(d, acc));
    top = newTop;
    return factor;
}

/// mixed (kRows, headDim) = mixed * factor + weights * V for dims [at, at + N vectors).
template <class Kv, int N>
HWY_INLINE void mix(const PrefillTile& t, const float* weights, const float* factors,
                    const typename Kv::T* const* pageValues, int32_t nBlockPages, int32_t at, float* mixed) {
    const D d;
    V acc[kRows][N];
    for (int r = 0; r < kRows; ++r)
        for (int n = 0; n < N; ++n)
            acc[r][n] = hn::Mul(hn::LoadU(d, mixed + r * t.headDim + at + n * kLanes), hn::Set(d, factors[r]));
    for (int32_t p = 0; p < nBlockPages; ++p) {
        const typename Kv::T* values = pageValues[p] + at;
        for (int k = 0; k < kPageTokens; ++k, values += t.headDim) {
            V vs[N];
            for (int n = 0; n < N; ++n) vs[n] = Kv::load(d, values + n * kLanes);
            for (int r = 0; r < kRows; ++r) {
                const V w = hn::Set(d, weights[r * kBlockKeys + p * kPageTokens + k]);
                for (int n = 0; n < N; ++n) acc[r][n] = hn::MulAdd(w, vs[n], acc[r][n]);
            }
        }
    }
    for (int r = 0; r < kRows; ++r)
        for (int n = 0; n < N; ++n) hn::StoreU(acc[r][n], d, mixed + r * t.headDim + at + n * kLanes);
}

template <class Kv>
void mixTail(const PrefillTile& t, const float* weights, const float* factors, const typename Kv::T* const* pageValues,
             int32_t nBlockPages, int32_t at, float* mixed) {
    const hn::CappedTag<float, 1> d1;
    for (int r = 0; r < kRows; ++r) {
        for (int32_t dim = at; dim < t.headDim; ++dim) {
            float sum = mixed[r * t.headDim + dim] * factors[r];
            for (int32_t p = 0; p < nBlockPages; ++p)
                for (int k = 0; k < kPageTokens; ++k)
                    sum += weights[r * kBlockKeys + p * kPageTokens + k] *
                           hn::GetLane(Kv::load(d1, pageValues[p] + k * t.headDim + dim));
            mixed[r * t.headDim + dim] = sum;
        }
    }
}

template <class Kv>
void tile(const PrefillTile& t) {
    const int32_t lastPosition = t.firstPosition + t.nQueries - 1;
    auto nPages = static_cast<int32_t>(t.pages.size());
    while (nPages > 0 && t.pages[static_cast<size_t>(nPages - 1)].first > lastPosition) --nPages;
    const int32_t rows = (t.nQueries + kRows - 1) / kRows * kRows;
    float* mixed = t.scratch;                                          // (kTileQueries, headDim)
    float* block = mixed + kTileQueries * t.headDim;                   // (kRows, kBlockKeys)
    float top[kTileQueries], sum[kTileQueries], factors[kRows];
    std::fill(mixed, mixed + rows * t.headDim, 0.0f);
    std::fill(top, top + rows, -std::numeric_limits<float>::infinity());
    std::fill(sum, sum + rows, 0.0f);
    constexpr int kTogether = kPageVectors == 1 ? 4 : 1;  ///< pages scored in registers at once
    for (int32_t b = 0; b < nPages; b += kBlockPages) {
        const int32_t n = std::min(kBlockPages, nPages - b);
        const PageRef* pages = t.pages.data() + b;
        const typename Kv::T* keys[kBlockPages];
        const typename Kv::T* values[kBlockPages];
        for (int32_t p = 0; p < n; ++p) {
            std::byte* k = t.cache->keys(t.layer, pages[p].pool, t.kvHead);
            keys[p] = reinterpret_cast<const typename Kv::T*>(k);
            values[p] = reinterpret_cast<const typename Kv::T*>(t.cache->valuesOf(k));
        }
        for (int32_t r = 0; r < rows; r += kRows) {
            if (pages[0].first > t.firstPosition + r + kRows - 1) continue;  // all of the block is later
            int32_t p = 0;
            for (; p + kTogether <= n; p += kTogether) scores<Kv, kTogether>(t, t.q + r, keys + p, block + p * kPageTokens);
            for (; p < n; ++p) scores<Kv, 1>(t, t.q + r, keys + p, block + p * kPageTokens);
            for (int i = 0; i < kRows; ++i)
                factors[i] = softmaxRow(block + i * kBlockKeys, pages, n, t.firstPosition + r + i, top[r + i], sum[r + i]);
            float* out = mixed + r * t.headDim;
            constexpr int kWide = kLanes >= 16 ? 4 : 2;
            int32_t at = 0;
            for (; at + kWide * kLanes <= t.headDim; at += kWide * kLanes) mix<Kv, kWide>(t, block, factors, values, n, at, out);
            for (; at + kLanes <= t.headDim; at += kLanes) mix<Kv, 1>(t, block, factors, values, n, at, out);
            if (at < t.headDim) mixTail<Kv>(t, block, factors, values, n, at, out);
        }
    }
    for (int32_t i = 0; i < t.nQueries; ++i) {
        const float inverse = sum[i] > 0 ? 1.0f / sum[i] : 0.0f;
        for (int32_t k = 0; k < t.headDim; ++k) t.out[k * kPanelTokens + i] = mixed[i * t.headDim + k] * inverse;
    }
}

void attendTile(const PrefillTile& t) {
    switch (t.cache->type()) {
        case DType::BF16: return tile<KvBf16>(t);
        case DType::F16: return tile<KvF16>(t);
        default: return tile<KvF32>(t);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(attendTile);
void attendTile(const PrefillTile& tile) { HWY_DYNAMIC_DISPATCH(attendTile)(tile); }

size_t prefillScratch(int32_t headDim) {
    return static_cast<size_t>(kTileQueries) * static_cast<size_t>(headDim) + 4 * 64;
}

}  // namespace spanscope::cpu
#endif
