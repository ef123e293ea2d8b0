// Idea: a tile of 32 queries walks the run's pages once, four pages (64 keys) at a time. Both products are the 4-row
// kernel of attend-inl.h (scores: rows are queries, lanes are keys; values: lanes are headDim), with an online softmax
// (arXiv 1805.02867, 2205.14135) between them. 4 * headDim operations per query, head and key; a page is loaded once
// per tile, so the limit is the multiply-add units.
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

#include "kernels/cpu/attend-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kBlockPages = kPrefillBlockPages;
constexpr int kBlockKeys = kBlockPages * kPageTokens;
constexpr int kRows = kPrefillRows;

/// Bits of a page that a query reads: the list's, up to the query itself, in its window.
HWY_INLINE uint32_t maskOf(const PageRef& page, int32_t query, int32_t window) {
    uint32_t mask = page.mask;
    const int32_t last = query - page.first;
    if (last < kPageTokens - 1) mask &= last < 0 ? 0u : (2u << last) - 1u;
    if (window > 0 && last >= window) mask &= last - window >= kPageTokens - 1 ? 0u : ~0u << (last - window + 1);
    return mask;
}

/// One row: mask, new largest, exponentials; returns the factor for what was summed before.
HWY_INLINE float softmaxRow(float* row, const PageRef* pages, int32_t nBlockPages, int32_t query, int32_t window,
                            float& top, float& sum) {
    const D d;
    V largest = hn::Set(d, -std::numeric_limits<float>::infinity());
    for (int32_t p = 0; p < nBlockPages; ++p)
        largest = maskPage(row + p * kPageTokens, maskOf(pages[p], query, window), largest);
    const float newTop = std::max(top, hn::GetLane(hn::MaxOfLanes(d, largest)));
    const float base = std::isinf(newTop) ? 0.0f : newTop;  // nothing visible yet: every exponential is zero
    const float factor = std::exp(top - base);
    sum = sum * factor + exponentials(row, nBlockPages * kPageTokens, base);
    top = newTop;
    return factor;
}

/// Pages before the first block that the tile's first query, whose window begins first, reads. Whole blocks of the
/// run's pages, so that what is summed together does not depend on where tiles begin.
HWY_INLINE int32_t pagesBeforeWindow(const PrefillTile& t) {
    if (t.window <= 0) return 0;
    const int32_t first = t.firstPosition - t.window + 1;
    const auto page = std::partition_point(t.pages.begin(), t.pages.end(),
                                           [&](const PageRef& p) { return p.first + kPageTokens <= first; });
    return static_cast<int32_t>(page - t.pages.begin()) / kBlockPages * kBlockPages;
}

template <class Kv>
void tile(const PrefillTile& t) {
    const int32_t lastPosition = t.firstPosition + t.nQueries - 1;
    auto nPages = static_cast<int32_t>(t.pages.size());
    while (nPages > 0 && t.pages[static_cast<size_t>(nPages - 1)].first > lastPosition) --nPages;
    const int32_t rows = (t.nQueries + kRows - 1) / kRows * kRows;
    float* mixed = t.scratch;                         // (kTileQueries, headDim)
    float* block = mixed + kTileQueries * t.headDim;  // (kRows, kBlockKeys)
    float top[kTileQueries], sum[kTileQueries], factors[kRows];
    std::fill(mixed, mixed + rows * t.headDim, 0.0f);
    std::fill(top, top + rows, -std::numeric_limits<float>::infinity());
    std::fill(sum, sum + rows, 0.0f);
    constexpr int kTogether = kPageVectors == 1 ? 4 : 1;  ///< pages scored in registers at once
    for (int32_t b = pagesBeforeWindow(t); b < nPages; b += kBlockPages) {
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
            if (t.window > 0 && pages[n - 1].first + kPageTokens <= t.firstPosition + r - t.window + 1) continue;
            // Columns past the tile are computed from whatever stands there and never used.
            const ScoreArgs<Kv> whole{t.q + r, kPanelTokens, 1, keys, nullptr, t.headDim, block, kBlockKeys};
            for (int32_t p = 0; p < n;) {
                ScoreArgs<Kv> some = whole;
                some.keys += p;
                some.out += p * kPageTokens;
                if (p + kTogether <= n) {
                    scorePages<Kv, kRows, kTogether, 1>(some);
                    p += kTogether;
                } else {
                    scorePages<Kv, kRows, 1, 1>(some);
                    ++p;
                }
            }
            for (int i = 0; i < kRows; ++i) {
                float* row = block + i * kBlockKeys;
                softcapScores(row, n * kPageTokens, t.softcap);
                factors[i] = softmaxRow(row, pages, n, t.firstPosition + r + i, t.window, top[r + i], sum[r + i]);
            }
            mixPages<Kv, kRows>({values, n, nullptr, t.headDim, block, kBlockKeys, factors, mixed + r * t.headDim,
                                 static_cast<size_t>(t.headDim)});
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

}  // namespace spanscope::cpu
#endif
