#include "engine/span/interval_algebra.h"

#include <algorithm>

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

IntervalList unite(const IntervalList& a, const IntervalList& b) {
    IntervalList all = a;
    all.insert(all.end(), b.begin(), b.end());
    return normalised(std::move(all));
}

IntervalList clip(const IntervalList& list, int32_t begin, int32_t end) {
    IntervalList out;
    for (const Interval& i : list) {
        const Interval c{std::max(i.begin, begin), std::min(i.end, end)};
        if (c.begin < c.end) out.push_back(c);
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

}  // namespace spanscope
