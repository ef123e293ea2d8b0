#include "engine/policy/scatter_policy.h"

#include <algorithm>

namespace spanscope {

QueryMask ScatterPolicy::forStep(const TokenView& view) {
    const int32_t last = view.position / kPageTokens;
    const int32_t nKept = std::clamp(m_n / kPageTokens, 1, last + 1);
    IntervalList list;
    for (int32_t i = 0; i < nKept; ++i) {
        const auto page = nKept == 1 ? last : static_cast<int32_t>(int64_t{last} * i / (nKept - 1));
        const int32_t begin = page * kPageTokens;
        if (!list.empty() && list.back().end == begin) list.back().end += kPageTokens;
        else list.push_back({begin, begin + kPageTokens});
    }
    return {std::make_shared<const IntervalList>(std::move(list)), 0};
}

}  // namespace spanscope
