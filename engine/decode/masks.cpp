#include "engine/decode/masks.h"

#include "engine/types/interval_algebra.h"

namespace spanscope {

std::vector<QueryRun> runsOf(std::span<const SharedIntervals> lists) {
    std::vector<QueryRun> runs;
    for (size_t i = 0; i < lists.size(); ++i) {
        const auto at = static_cast<int32_t>(i);
        if (i > 0 && lists[i] == lists[i - 1]) runs.back().end = at + 1;
        else runs.push_back({at, at + 1, *lists[i]});
    }
    return runs;
}

RunMasks::RunMasks(std::unique_ptr<MaskPolicy> policy, int32_t slidingWindow, int64_t runId)
    : m_policy(std::move(policy)), m_slidingWindow(slidingWindow), m_idBase((static_cast<uint64_t>(runId) + 1) << 32) {}

QueryMask RunMasks::finished(QueryMask mask, int32_t position) const {
    if (m_slidingWindow > 0 && position >= m_slidingWindow) {  // Mistral's (arXiv 2310.06825), the query's own included
        const int32_t first = position - m_slidingWindow + 1;
        return {std::make_shared<const IntervalList>(clip(*mask.visible, first, kOpenEnd)), 0};
    }
    if (mask.id != 0) mask.id += m_idBase;
    return mask;
}

}  // namespace spanscope
