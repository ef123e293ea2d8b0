// Idea: a page holds sixteen tokens in sixteen lanes, so scores need no horizontal sums: for each d, one load of
// K^T and one broadcast of q[d]. Four pages (or the query heads that share them) are in flight at a time. The
// chunk's largest score is known before the values are read, so nothing is rescaled inside a chunk.
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
        c.cache->page(c.layer, c.pages[static_cast<size_t>(i)].pool, c.kvHead));
}

/// Scores of pages [i, i + P) for heads [h, h + G).
template <class Kv, int P, int G>
void scorePages(const DecodeChunk& c, int32_t i, int32_t h) {
    const D d;
    V acc[P][kPageVectors][G];
    const typename Kv::T* keys[P];
    for (int p = 0; p < P; ++p) {
        keys[p] = keysOf<Kv>(c, i + p);
        for (auto& v : acc[p])
            for (auto& a : v) a = hn::Zero(d);
    }
    const float* q = c.q + static_cast<size_t>(h) * static_cast<size_t>(c.headDim);
    for (int32_t k = 0; k < c.headDim; ++k) {
        V qs[G];
        for (int g = 0; g < G; ++g) qs[g] = hn::Set(d, q[g * c.headDim + k]);
        for (int p = 0; p < P; ++p) {
            for (int v = 0; v < kPageVectors; ++v) {
                const V ks = Kv::load(d, keys[p] + k * kPageTokens + v * kLanes);
                for (int g = 0; g < G; ++g) acc[p][v][g] = hn::MulAdd(qs[g], ks, acc[p][v][g]);
            }
        }
    }
    for (int g = 0; g < G; ++g) {
        float* out = c.scores + static_cast<size_t>(h + g) * kRowTokens + static_cast<size_t>(i) * kPageTokens;
        for (int p = 0; p < P; ++p)
            for (int v = 0; v < kPageVectors; ++v) hn::StoreU(acc[p][v][g], d, out + p * kPageTokens + v * kLanes);
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
    for (int32_t i = 0; i < static_cast<int32_t>(c.pages.size()); ++i) {
        const typename Kv::T* values = keysOf<Kv>(c, i) + static_cast<size_t>(c.headDim) * kPageTokens + at;
        for (int t = 0; t < kPageTokens; ++t, values += c.headDim, ++weights) {
            V vs[N];
            for (int n = 0; n < N; ++n) vs[n] = Kv::load(d, values + n * kLanes);
            for (int g = 0; g < G; ++g) {
                const V w = hn::Set(d, weights[g * kRowTokens]);
                for (int n = 0; n < N; ++n) acc[n][g] = hn::MulAdd(w, vs[n], acc[n][g]);
            }
        }
    }
    for (int g = 0; g < G; ++g) {
        float* out = c.partial + static_cast<size_t>(h + g) * partialStride(c.headDim) + at;
        for (int n = 0; n < N; ++n) hn::StoreU(acc[n][g], d, out + n * kLanes);
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
            const typename Kv::T* values = keysOf<Kv>(c, i) + static_cast<size_t>(c.headDim) * kPageTokens + dim;
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
    constexpr int kTogether = kPageVectors >= 4 ? 1 : 4 / kPageVectors;  ///< pages in flight: four vectors
    int32_t i = 0;
    for (; i + kTogether <= n; i += kTogether) scorePages<Kv, kTogether, G>(c, i, h);
    for (; i < n; ++i) scorePages<Kv, 1, G>(c, i, h);

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
