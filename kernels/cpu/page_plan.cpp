#include "kernels/cpu/page_plan.h"

#include <algorithm>

namespace spanscope::cpu {

int32_t planPages(std::span<const Interval> list, int32_t query, std::span<const int32_t> pageTable, PageRef* out) {
    int32_t n = 0;
    for (const Interval& interval : list) {
        const Interval c = clipToQuery(interval, query);
        for (int32_t at = c.begin; at < c.end;) {
            const int32_t page = at / kPageTokens;
            const int32_t first = page * kPageTokens;
            const int32_t end = std::min(c.end, first + kPageTokens);
            const uint32_t bits = ((1u << (end - first)) - 1u) & ~((1u << (at - first)) - 1u);
            if (n > 0 && out[n - 1].first == first) out[n - 1].mask |= bits;
            else out[n++] = {pageTable[static_cast<size_t>(page)], first, bits};
            at = end;
        }
    }
    return n;
}

}  // namespace spanscope::cpu
