#include "engine/decode/masks.h"

#include <algorithm>

#include "engine/decode/session.h"

namespace spanscope {

IntervalList keepIntervals(int32_t keepTokens, int32_t position) {
    const int32_t begin = position + 1 - std::max(1, keepTokens);  // a query always reads its own token
    if (begin <= 1) return {{0, kOpenEnd}};
    return {{0, 1}, {begin, kOpenEnd}};
}

IntervalList foldWindow(const IntervalList& list, int32_t window, int32_t position) {
    if (window <= 0 || position < window) return list;
    const int32_t first = position - window + 1;
    IntervalList folded;
    for (const Interval& i : list) {
        if (i.end <= first) continue;
        folded.push_back({std::max(i.begin, first), i.end});
    }
    return folded;
}

std::vector<QueryRun> runsOf(std::span<const SharedIntervals> lists) {
    std::vector<QueryRun> runs;
    for (size_t i = 0; i < lists.size(); ++i) {
        const auto at = static_cast<int32_t>(i);
        if (i > 0 && lists[i] == lists[i - 1]) runs.back().end = at + 1;
        else runs.push_back({at, at + 1, *lists[i]});
    }
    return runs;
}

MaskPolicy::MaskPolicy(AttentionMode mode, int32_t keepTokens, int32_t slidingWindow, int64_t runId)
    : m_mode(mode),
      m_keepTokens(keepTokens),
      m_slidingWindow(slidingWindow),
      m_idBase((static_cast<uint64_t>(runId) + 1) << 32),
      m_dense(std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}})) {}

QueryMask MaskPolicy::folded(QueryMask mask, int32_t position) const {
    if (m_slidingWindow <= 0 || position < m_slidingWindow) return mask;
    return {std::make_shared<const IntervalList>(foldWindow(*mask.visible, m_slidingWindow, position)), 0};
}

QueryMask MaskPolicy::forPrompt(const TokenView& view) const {
    if (m_mode == AttentionMode::Declared) return folded({view.visible, m_idBase + view.maskId}, view.position);
    return folded({m_dense, m_idBase}, view.position);
}

QueryMask MaskPolicy::forStep(const TokenView& view) const {
    if (m_mode != AttentionMode::Keep) return forPrompt(view);
    auto list = std::make_shared<const IntervalList>(keepIntervals(m_keepTokens, view.position));
    return folded({std::move(list), 0}, view.position);
}

}  // namespace spanscope
