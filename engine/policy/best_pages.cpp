#include "engine/policy/best_pages.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/types/interval_algebra.h"

namespace spanscope {

IntervalList bestPages(const std::vector<float>& scores, int32_t pageTokens, int32_t nPages,
                       const std::vector<int32_t>& always) {
    std::vector<float> ranked = scores;
    for (const int32_t page : always) ranked[static_cast<size_t>(page)] = std::numeric_limits<float>::infinity();
    std::vector<int32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    const auto n = std::min(order.size(), std::max(static_cast<size_t>(std::max(1, nPages)), always.size()));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                      [&](int32_t a, int32_t b) {
                          const float x = ranked[static_cast<size_t>(a)], y = ranked[static_cast<size_t>(b)];
                          return x != y ? x > y : a < b;
                      });
    IntervalList list;
    for (size_t i = 0; i < n; ++i) list.push_back({order[i] * pageTokens, (order[i] + 1) * pageTokens});
    return normalised(std::move(list));
}

}  // namespace spanscope
