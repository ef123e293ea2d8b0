// Idea: a page is taken whole, keys of all its heads and then their values, which is how it lies in memory: a single
// scattered page is one run of 2 * nKvHeads * 16 * headDim elements, long enough for the hardware prefetcher, and a
// dense step is one run from end to end. Online softmax (arXiv 1805.02867): a page with a new largest score rescales
// what was summed before. The next head is prefetched by software; prefetching further ahead helps scattered pages and
// costs adjacent ones more. Bytes and operations: attention.h. Limit: memory bandwidth from some 100 pages on.
//
// One EPYC 9004, 2 threads, 12 heads of 64 in F32, 12 layers, caches flushed, microseconds for 512 tokens as one run /
// as single pages / for 16,384 tokens: this 1000 / 1110 / 33,200. Tried and dropped: blocks of 32 pages by head, so
// that one head's page is 4 KB alone (1,010 / 1,540 / 34,200); the same prefetched two pages ahead (1,050 / 1,300);
// this order with two to six heads a task instead of all (contiguous a quarter slower); two passes, keys first (1,020 /
// 1,090 / 34,500).
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attend_decode.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/cpu/attend-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// f<G>(g) for the query heads [g, g + G) of a group, G = 4, 2, 1.
template <class F>
HWY_INLINE void byFours(int32_t group, const F& f) {
    int32_t g = 0;
    for (; g + 4 <= group; g += 4) f.template operator()<4>(g);
    for (; g + 2 <= group; g += 2) f.template operator()<2>(g);
    for (; g < group; ++g) f.template operator()<1>(g);
}

/// Of the heads that are scored together, how many partial sums each score has: no matter how many queries there are.
constexpr int sumsOf(int heads) { return kPageVectors * heads >= 4 ? 1 : 4 / (kPageVectors * heads); }

/// A row's online softmax of one page: scores become weights. Returns the factor for what was mixed before.
HWY_INLINE float weigh(float* scores, uint32_t mask, float softcap, float* top, float* sum, float* kept) {
    softcapScores(scores, kPageTokens, softcap);
    const V none = hn::Set(D(), -std::numeric_limits<float>::infinity());
    const float largest =  // finite: a page without tokens is in no plan
        hn::GetLane(hn::MaxOfLanes(D(), maskPage(scores, mask, none)));
    if (kept) std::copy_n(scores, kPageTokens, kept);
    float factor = 1.0f;
    if (largest > *top) {
        factor = std::exp(*top - largest);
        *top = largest;
        *sum *= factor;
    }
    *sum += exponentials(scores, kPageTokens, *top);
    return factor;
}

template <class Kv>
int32_t chunk(const DecodeChunk& c) {
    using T = typename Kv::T;
    const auto nPages = static_cast<int32_t>(c.pages.size());
    const auto headDim = static_cast<size_t>(c.headDim);
    const auto nRows = static_cast<size_t>(c.nKvHeads * c.group);
    const size_t stride = partialStride(c.headDim);
    const size_t halfPage = kPageTokens * headDim;
    float* factors = c.scratch + nRows * kPageTokens;
    for (size_t row = 0; row < nRows; ++row) {
        float* partial = c.partial + row * stride;
        std::fill_n(partial, headDim + 2, 0.0f);
        partial[headDim] = -std::numeric_limits<float>::infinity();
    }
    for (int32_t page = 0; page < nPages; ++page) {
        const auto keysOf = [&](int32_t i) {
            return c.cache->keys(c.layer, c.pages[static_cast<size_t>(std::min(i, nPages - 1))].pool, c.firstKvHead);
        };
        const T* const firstKeys = reinterpret_cast<const T*>(keysOf(page));
        const T* const firstValues = reinterpret_cast<const T*>(c.cache->valuesOf(keysOf(page)));
        const T* const nextPage = reinterpret_cast<const T*>(keysOf(page + 1));
        for (int32_t kv = 0; kv < c.nKvHeads; ++kv) {
            const T* keys = firstKeys + static_cast<size_t>(kv) * halfPage;
            const T* next = kv + 1 < c.nKvHeads ? keys + halfPage : firstValues;
            byFours(c.group, [&]<int G>(int32_t g) HWY_ATTR {
                const auto row = static_cast<size_t>(kv * c.group + g);
                scorePages<Kv, G, 1, sumsOf(G)>({c.q + row * headDim, 1, headDim, &keys, g == 0 ? next : nullptr,
                                                 c.headDim, c.scratch + row * kPageTokens, kPageTokens});
            });
        }
        bool rescale = false;
        for (size_t row = 0; row < nRows; ++row) {
            float* top = c.partial + row * stride + headDim;
            float* kept =
                c.keptScores ? c.keptScores + (row * kChunkPages + static_cast<size_t>(page)) * kPageTokens : nullptr;
            factors[row] = weigh(c.scratch + row * kPageTokens, c.pages[static_cast<size_t>(page)].mask, c.softcap, top,
                                 top + 1, kept);
            rescale = rescale || factors[row] != 1.0f;
        }
        for (int32_t kv = 0; kv < c.nKvHeads; ++kv) {
            const T* values = firstValues + static_cast<size_t>(kv) * halfPage;
            const T* next = kv + 1 < c.nKvHeads ? values + halfPage : nextPage;
            byFours(c.group, [&]<int G>(int32_t g) HWY_ATTR {
                const auto row = static_cast<size_t>(kv * c.group + g);
                mixPages<Kv, G>({&values, 1, g == 0 ? next : nullptr, c.headDim, c.scratch + row * kPageTokens,
                                 kPageTokens, rescale ? factors + row : nullptr, c.partial + row * stride, stride});
            });
        }
    }
    return nPages * c.nKvHeads;
}

/// Queries [first, end) in registers together, as many as there are registers for.
template <class F>
HWY_INLINE void byTiles(int32_t first, int32_t end, const F& f) {
    if constexpr (kLanes >= 16)
        for (; first + 4 <= end; first += 4) f.template operator()<4>(first);
    for (; first + 2 <= end; first += 2) f.template operator()<2>(first);
    for (; first < end; ++first) f.template operator()<1>(first);
}

/// Several queries: head by head, and each page of a head for every query while it is in the first-level cache.
/// Arithmetic is the limit, not memory. Every query's sums are formed in the order of chunk(), to the bit.
template <class Kv>
int32_t chunkOfQueries(const DecodeChunk& c) {
    using T = typename Kv::T;
    const auto nPages = static_cast<int32_t>(c.pages.size());
    const auto headDim = static_cast<size_t>(c.headDim), nQueries = static_cast<size_t>(c.nQueries);
    const size_t stride = partialStride(c.headDim);
    float* factors = c.scratch + nQueries * static_cast<size_t>(c.group) * kPageTokens;
    for (int32_t kv = 0; kv < c.nKvHeads; ++kv) {
        const size_t firstRow = static_cast<size_t>(kv * c.group);
        const auto partialOf = [&](size_t query, size_t head) {
            return c.partial + query * c.partialOfQuery + (firstRow + head) * stride;
        };
        // Scratch is (group, nQueries): the queries of a head are neighbours.
        const auto scoresOf = [&](size_t query, size_t head) {
            return c.scratch + (head * nQueries + query) * kPageTokens;
        };
        for (size_t query = 0; query < nQueries; ++query)
            for (size_t head = 0; head < static_cast<size_t>(c.group); ++head) {
                std::fill_n(partialOf(query, head), headDim + 2, 0.0f);
                partialOf(query, head)[headDim] = -std::numeric_limits<float>::infinity();
            }
        int32_t first = 0;  // query that has the page
        for (int32_t page = 0; page < nPages; ++page) {
            while (c.masks[first * kChunkPages + page] == 0) ++first;
            std::byte* const at = c.cache->keys(c.layer, c.pages[static_cast<size_t>(page)].pool, c.firstKvHead + kv);
            std::byte* const then = c.cache->keys(
                c.layer, c.pages[static_cast<size_t>(std::min(page + 1, nPages - 1))].pool, c.firstKvHead + kv);
            const T* const keys = reinterpret_cast<const T*>(at);
            const T* const values = reinterpret_cast<const T*>(c.cache->valuesOf(at));
            const T* const nextKeys = reinterpret_cast<const T*>(then);
            const T* const nextValues = reinterpret_cast<const T*>(c.cache->valuesOf(then));
            byFours(c.group, [&]<int G>(int32_t g) HWY_ATTR {
                for (int32_t head = g; head < g + G; ++head)
                    byTiles(first, c.nQueries, [&]<int R>(int32_t query) HWY_ATTR {
                        const auto q = static_cast<size_t>(query), h = static_cast<size_t>(head);
                        scorePages<Kv, R, 1, sumsOf(G)>(
                            {c.q + q * c.queryStride + (firstRow + h) * headDim, 1, c.queryStride, &keys,
                             head == 0 && query == first ? nextKeys : nullptr, c.headDim, scoresOf(q, h), kPageTokens});
                    });
            });
            for (int32_t head = 0; head < c.group; ++head) {
                const auto h = static_cast<size_t>(head);
                for (auto q = static_cast<size_t>(first); q < nQueries; ++q) {
                    float* top = partialOf(q, h) + headDim;
                    factors[h * nQueries + q] =
                        weigh(scoresOf(q, h), c.masks[q * kChunkPages + static_cast<size_t>(page)], c.softcap, top,
                              top + 1, nullptr);
                }
                byTiles(first, c.nQueries, [&]<int R>(int32_t query) HWY_ATTR {
                    const auto q = static_cast<size_t>(query);
                    mixPages<Kv, R>({&values, 1, head == 0 && query == first ? nextValues : nullptr, c.headDim,
                                     scoresOf(q, h), kPageTokens, factors + h * nQueries + q, partialOf(q, h),
                                     c.partialOfQuery});
                });
            }
        }
    }
    return nPages * c.nKvHeads;
}

template <class Kv>
int32_t chunkOfAny(const DecodeChunk& c) {
    return c.nQueries == 1 ? chunk<Kv>(c) : chunkOfQueries<Kv>(c);
}

int32_t attendChunk(const DecodeChunk& c) {
    switch (c.cache->type()) {
        case DType::BF16: return chunkOfAny<KvBf16>(c);
        case DType::F16: return chunkOfAny<KvF16>(c);
        default: return chunkOfAny<KvF32>(c);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(attendChunk);
int32_t attendChunk(const DecodeChunk& chunk) { return HWY_DYNAMIC_DISPATCH(attendChunk)(chunk); }

void mergePartials(const float* partials, int32_t nChunks, size_t chunkStride, int32_t headDim, float* out) {
    float top = -std::numeric_limits<float>::infinity();
    for (int32_t i = 0; i < nChunks; ++i)
        top = std::max(top, partials[static_cast<size_t>(i) * chunkStride + static_cast<size_t>(headDim)]);
    float total = 0;
    for (int32_t k = 0; k < headDim; ++k) out[k] = 0;
    for (int32_t i = 0; i < nChunks; ++i) {
        const float* p = partials + static_cast<size_t>(i) * chunkStride;
        const float w = std::exp(p[headDim] - top);
        total += w * p[headDim + 1];
        for (int32_t k = 0; k < headDim; ++k) out[k] += w * p[k];
    }
    if (total == 0) return;
    const float inverse = 1.0f / total;
    for (int32_t k = 0; k < headDim; ++k) out[k] *= inverse;
}

}  // namespace spanscope::cpu
#endif
