#include "engine/types/interval_algebra.h"

#include <algorithm>
#include <climits>

namespace spanscope {

IntervalList normalised(IntervalList list) {
    std::erase_if(list, [](const Interval& i) { return i.begin >= i.end; });
    std::sort(list.begin(), list.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
    IntervalList out;
    out.reserve(list.size());
    for (const Interval& i : list) {
        if (!out.empty() && i.begin <= out.back().end) {
            out.back().end = std::max(out.back().end, i.end);
        } else {
            out.push_back(i);
        }
    }
    return out;
}

bool isNormalised(const IntervalList& list) {
    int64_t previousEnd = -1;
    for (const Interval& i : list) {
        if (i.begin < 0 || i.begin >= i.end || i.begin <= previousEnd) return false;
        previousEnd = i.end;
    }
    return true;
}

IntervalList clip(const IntervalList& list, int32_t begin, int32_t end) {
    IntervalList out;
    for (const Interval& i : list) {
        const Interval c{std::max(i.begin, begin), std::min(i.end, end)};
        if (c.begin < c.end) out.push_back(c);
    }
    return out;
}

IntervalList intersect(const IntervalList& a, const IntervalList& b) {
    IntervalList out;
    for (size_t i = 0, k = 0; i < a.size() && k < b.size();) {
        const int32_t begin = std::max(a[i].begin, b[k].begin), end = std::min(a[i].end, b[k].end);
        if (begin < end) out.push_back({begin, end});
        if (a[i].end < b[k].end) ++i;
        else ++k;
    }
    return out;
}

IntervalList subtract(const IntervalList& a, const IntervalList& b) {
    IntervalList out;
    size_t k = 0;
    for (const Interval& i : a) {
        int32_t at = i.begin;
        while (k < b.size() && b[k].end <= at) ++k;
        for (size_t j = k; j < b.size() && b[j].begin < i.end; ++j) {
            if (at < b[j].begin) out.push_back({at, b[j].begin});
            at = std::max(at, b[j].end);
            if (at >= i.end) break;
        }
        if (at < i.end) out.push_back({at, i.end});
    }
    return out;
}

int64_t nTokens(const IntervalList& list) {
    int64_t n = 0;
    for (const Interval& i : list) n += int64_t{i.end} - i.begin;
    return n;
}

int32_t firstDifference(const IntervalList& a, const IntervalList& b) {
    const size_t n = std::min(a.size(), b.size());
    for (size_t i = 0; i < n; ++i) {
        if (a[i].begin != b[i].begin) return std::min(a[i].begin, b[i].begin);
        if (a[i].end != b[i].end) return std::min(a[i].end, b[i].end);
    }
    if (a.size() == b.size()) return INT32_MAX;
    return a.size() > n ? a[n].begin : b[n].begin;
}

}  // namespace spanscope
