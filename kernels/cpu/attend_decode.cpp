// Idea: a page holds sixteen tokens in sixteen lanes, so scores need no horizontal sums: for each d, one load of
// K^T and one broadcast of q[d]. The chunk's largest score is known before the values are read, so nothing is
// rescaled inside a chunk. Pages are fetched two ahead by hand, so that scattered pages come as fast as adjacent
// ones. Tried: four pages at once (four streams; 14.6 GB/s where one core reads 34).
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

#include "kernels/cpu/kv_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
inline constexpr int kLanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
inline constexpr int kPageVectors = kPageTokens / kLanes;
inline constexpr int kRowTokens = kChunkPages * kPageTokens;  ///< stride of a row of scores

template <class Kv>
const typename Kv::T* keysOf(const DecodeChunk& c, int32_t i) {
    return reinterpret_cast<const typename Kv::T*>(
        c.cache->keys(c.layer, c.pages[static_cast<size_t>(i)].pool, c.kvHead));
}

template <class Kv>
const typename Kv::T* valuesOf(const DecodeChunk& c, int32_t i) {
    return reinterpret_cast<const typename Kv::T*>(
        c.cache->valuesOf(c.cache->keys(c.layer, c.pages[static_cast<size_t>(i)].pool, c.kvHead)));
}

/// What is fetched while page i is scored: the next page's keys, at the end the first page's values.
template <class Kv>
const typename Kv::T* ahead(const DecodeChunk& c, int32_t i) {
    if (i + 1 < static_cast<int32_t>(c.pages.size())) return keysOf<Kv>(c, i + 1);
    return valuesOf<Kv>(c, 0);
}

/// Scores of page i for heads [h, h + G). A page is one stream, read front to back; S partial sums over d keep
/// enough additions in flight.
template <class Kv, int G, int S>
void scorePage(const DecodeChunk& c, int32_t i, int32_t h) {
    const D d;
    V acc[S][kPageVectors][G];
    for (auto& s : acc)
        for (auto& v : s)
            for (auto& a : v) a = hn::Zero(d);
    const typename Kv::T* keys = keysOf<Kv>(c, i);
    const typename Kv::T* next = ahead<Kv>(c, i);
    const float* q = c.q + static_cast<size_t>(h) * static_cast<size_t>(c.headDim);
    const auto one = [&](int32_t k, int s) HWY_ATTR {
        if (h == 0) __builtin_prefetch(next + k * kPageTokens, 0, 2);
#pragma GCC unroll 4
        for (int g = 0; g < G; ++g) {
            const V qs = hn::Set(d, q[g * c.headDim + k]);
#pragma GCC unroll 4
            for (int v = 0; v < kPageVectors; ++v)
                acc[s][v][g] = hn::MulAdd(qs, Kv::load(d, keys + k * kPageTokens + v * kLanes), acc[s][v][g]);
        }
    };
    int32_t k = 0;
    for (; k + S <= c.headDim; k += S)
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) one(k + s, s);
    for (; k < c.headDim; ++k) one(k, 0);
    for (int g = 0; g < G; ++g) {
        float* out = c.scores + static_cast<size_t>(h + g) * kRowTokens + static_cast<size_t>(i) * kPageTokens;
        for (int v = 0; v < kPageVectors; ++v) {
            V sum = acc[0][v][g];
            for (int s = 1; s < S; ++s) sum = hn::Add(sum, acc[s][v][g]);
            hn::StoreU(sum, d, out + v * kLanes);
        }
    }
}

/// Weighted values of dims [at, at + N * kLanes) for heads [h, h + G).
template <class Kv, int N, int G>
void mixValues(const DecodeChunk& c, int32_t at, int32_t h) {
    const D d;
    V acc[N][G];
    for (auto& v : acc)
        for (auto& a : v) a = hn::Zero(d);
    const float* weights = c.scores + static_cast<size_t>(h) * kRowTokens;
    const auto n = static_cast<int32_t>(c.pages.size());
    for (int32_t i = 0; i < n; ++i) {
        const typename Kv::T* values = valuesOf<Kv>(c, i) + at;
        const typename Kv::T* next = valuesOf<Kv>(c, std::min(i + 1, n - 1)) + at;
        for (int t = 0; t < kPageTokens; ++t, values += c.headDim, next += c.headDim, ++weights) {
            V vs[N];
#pragma GCC unroll 4
            for (int v = 0; v < N; ++v) {
                if (h == 0) __builtin_prefetch(next + v * kLanes, 0, 2);
                vs[v] = Kv::load(d, values + v * kLanes);
            }
#pragma GCC unroll 4
            for (int g = 0; g < G; ++g) {
                const V w = hn::Set(d, weights[g * kRowTokens]);
#pragma GCC unroll 4
                for (int v = 0; v < N; ++v) acc[v][g] = hn::MulAdd(w, vs[v], acc[v][g]);
            }
        }
    }
    for (int g = 0; g < G; ++g) {
        float* out = c.partial + static_cast<size_t>(h + g) * partialStride(c.headDim) + at;
        for (int v = 0; v < N; ++v) hn::StoreU(acc[v][g], d, out + v * kLanes);
    }
}

/// The dims that do not fill a vector.
template <class Kv>
void mixTail(const DecodeChunk& c, int32_t at, int32_t h) {
    const hn::CappedTag<float, 1> d1;
    for (int32_t dim = at; dim < c.headDim; ++dim) {
        float sum = 0;
        const float* weights = c.scores + static_cast<size_t>(h) * kRowTokens;
        for (int32_t i = 0; i < static_cast<int32_t>(c.pages.size()); ++i) {
            const typename Kv::T* values = valuesOf<Kv>(c, i) + dim;
            for (int t = 0; t < kPageTokens; ++t)
                sum += *weights++ * hn::GetLane(Kv::load(d1, values + t * c.headDim));
        }
        c.partial[static_cast<size_t>(h) * partialStride(c.headDim) + static_cast<size_t>(dim)] = sum;
    }
}

template <class Kv, int G>
int32_t heads(const DecodeChunk& c, int32_t h) {
    const D d;
    const auto n = static_cast<int32_t>(c.pages.size());
    constexpr int kSums = kPageVectors * G >= 4 ? 1 : 4 / (kPageVectors * G);
    int32_t i = 0;
    for (; i < n; ++i) scorePage<Kv, G, kSums>(c, i, h);

    for (int g = 0; g < G; ++g) {
        float* row = c.scores + static_cast<size_t>(h + g) * kRowTokens;
        const V none = hn::Set(d, -std::numeric_limits<float>::infinity());
        V largest = none;
        for (int32_t p = 0; p < n; ++p) {
            const uint32_t mask = c.pages[static_cast<size_t>(p)].mask;
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
        const float top = hn::GetLane(hn::MaxOfLanes(d, largest));  // finite: no page of a plan is empty
        const V vt = hn::Set(d, top);
        V sum = hn::Zero(d);
        for (int32_t p = 0; p < n * kPageTokens; p += kLanes) {
            const V e = hn::Exp(d, hn::Sub(hn::LoadU(d, row + p), vt));
            hn::StoreU(e, d, row + p);
            sum = hn::Add(sum, e);
        }
        float* partial = c.partial + static_cast<size_t>(h + g) * partialStride(c.headDim);
        partial[c.headDim] = top;
        partial[c.headDim + 1] = hn::GetLane(hn::SumOfLanes(d, sum));
    }

    int32_t at = 0;
    constexpr int kWide = kLanes >= 16 || G < 4 ? 4 : 2;
    for (; at + kWide * kLanes <= c.headDim; at += kWide * kLanes) mixValues<Kv, kWide, G>(c, at, h);
    for (; at + kLanes <= c.headDim; at += kLanes) mixValues<Kv, 1, G>(c, at, h);
    if (at < c.headDim)
        for (int g = 0; g < G; ++g) mixTail<Kv>(c, at, h + g);
    return i;
}

template <class Kv>
int32_t group(const DecodeChunk& c) {
    int32_t h = 0, nRead = 0;
    for (; h + 4 <= c.group; h += 4) nRead = heads<Kv, 4>(c, h);
    for (; h + 2 <= c.group; h += 2) nRead = heads<Kv, 2>(c, h);
    for (; h < c.group; ++h) nRead = heads<Kv, 1>(c, h);
    return nRead;
}

int32_t attendChunk(const DecodeChunk& c) {
    switch (c.cache->type()) {
        case DType::BF16: return group<KvBf16>(c);
        case DType::F16: return group<KvF16>(c);
        default: return group<KvF32>(c);
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
