// May query position q read key position k? Everything that masks, counts or paints asks here: the
// reference, the CPU kernels, the CUDA kernels and the mask view.
//
// A visible set is a sorted list of disjoint half-open token intervals. An end of kOpenEnd means "and
// whatever comes": the interval of a segment that is still being written. Causality (k <= q) always
// holds on top of the list, so one list serves every query of a phase.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define SPANSCOPE_HD __host__ __device__
#else
#define SPANSCOPE_HD
#endif

namespace spanscope {

inline constexpr int32_t kPageTokens = 16;  ///< tokens in a KV page
inline constexpr int32_t kOpenEnd = INT32_MAX;

struct Interval {
    int32_t begin = 0;
    int32_t end = 0;  ///< exclusive; kOpenEnd = grows with the sequence
    bool operator==(const Interval&) const = default;
};

/// list: (nIntervals) sorted, disjoint. True if `query` may read `key`.
SPANSCOPE_HD inline bool mayRead(const Interval* list, int32_t nIntervals, int32_t query, int32_t key) {
    if (key > query || key < 0) return false;
    for (int32_t i = 0; i < nIntervals; ++i) {
        if (key < list[i].begin) return false;
        if (key < list[i].end) return true;
    }
    return false;
}

/// Whether a layer that reads the newest `window` tokens (0 = all) reads `key`; a list restricts it further.
SPANSCOPE_HD inline bool inWindow(int32_t window, int32_t query, int32_t key) {
    return window <= 0 || key > query - window;
}

/// The part of `interval` that `query` may read in a layer of that window (0 = all): [begin, end) with
/// end <= query + 1; empty if begin >= end.
SPANSCOPE_HD inline Interval clipToQuery(Interval interval, int32_t query, int32_t window = 0) {
    const int32_t first = window > 0 && window <= query ? query - window + 1 : 0;
    const int32_t end = interval.end < query + 1 ? interval.end : query + 1;
    Interval r;
    r.begin = interval.begin < first ? first : interval.begin;
    r.end = end > r.begin ? end : r.begin;
    return r;
}

/// Tokens of the list that `query` may read.
SPANSCOPE_HD inline int32_t attendedTokens(const Interval* list, int32_t nIntervals, int32_t query) {
    int32_t n = 0;
    for (int32_t i = 0; i < nIntervals; ++i) {
        const Interval c = clipToQuery(list[i], query);
        n += c.end - c.begin;
    }
    return n;
}

/// Tokens that a kernel loads for that: the list rounded outward to whole pages, a page counted once,
/// the last page only as far as the sequence reaches (nothing beyond `query` is stored). window: of the layer, 0 = all.
/// pageTokens: of a page, 1 or more; another size than kPageTokens is for predictions.
SPANSCOPE_HD inline int32_t loadedTokens(const Interval* list, int32_t nIntervals, int32_t query, int32_t window = 0,
                                         int32_t pageTokens = kPageTokens) {
    int32_t n = 0;
    int32_t nextPage = 0;  // first page not counted yet
    const int32_t stored = query + 1;
    for (int32_t i = 0; i < nIntervals; ++i) {
        const Interval c = clipToQuery(list[i], query, window);
        if (c.begin >= c.end) continue;
        int32_t first = c.begin / pageTokens;
        const int32_t last = (c.end - 1) / pageTokens;  // inclusive
        if (first < nextPage) first = nextPage;
        if (first > last) continue;
        const int32_t endToken = last < query / pageTokens ? (last + 1) * pageTokens : stored;
        n += endToken - first * pageTokens;
        nextPage = last + 1;
    }
    return n;
}

}  // namespace spanscope
