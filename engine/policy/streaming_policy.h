// StreamingLLM (arXiv 2309.17453; mit-han-lab/streaming-llm 2e50426): the first four tokens and the last ones, as many
// as the budget leaves. Two variants: with true positions, as in MagicDec, and with positions re-assigned within the
// cache, as the authors have it.
#pragma once

#include "engine/policy/mask_policy.h"
#include "engine/policy/read_budget.h"
#include "engine/policy/selecting_policy.h"

namespace spanscope {

inline constexpr int32_t kStreamingSink = 4;

/// Where the tokens between sink and window begin to be read; within the sink: all are. budget: tokens, 1 or more.
inline int32_t streamingWindow(int32_t position, int32_t budget) {
    return position + 1 - std::max(1, budget - kStreamingSink);
}

class StreamingPolicy : public MaskPolicy {
  public:
    explicit StreamingPolicy(const MaskPolicySpec& spec) : m_budget(spec) {}

    QueryMask forStep(const TokenView& view) override {
        const int32_t begin = streamingWindow(view.position, m_budget.tokens(view));
        if (begin <= kStreamingSink) return everything();
        return {std::make_shared<const IntervalList>(IntervalList{{0, kStreamingSink}, {begin, kOpenEnd}}), 0};
    }

  private:
    ReadBudget m_budget;
};

/// The same tokens, but the sink stands right before the window, however much has been left out between them. Not by a
/// list alone, so that a backend is needed that asks the policy for each head, though all heads read the same.
class StreamingReassignedPolicy : public SelectingPolicy {
  public:
    using SelectingPolicy::SelectingPolicy;
    bool reassignsPositions() const override { return true; }

  protected:
    IntervalList choose(const HeadQuery& query) override {
        const int32_t begin = streamingWindow(query.position, budget());
        if (begin <= kStreamingSink) return {{0, kOpenEnd}};
        return {{0, kStreamingSink}, {begin, kOpenEnd}};
    }
};

}  // namespace spanscope
