// StreamingLLM (arXiv 2309.17453; mit-han-lab/streaming-llm 2e50426): the first four tokens and the last ones, as many
// as the budget leaves. Positions stay true, as in MagicDec; the authors' own code numbers what is kept anew.
#pragma once

#include "engine/policy/mask_policy.h"
#include "engine/policy/read_budget.h"

namespace spanscope {

class StreamingPolicy : public MaskPolicy {
  public:
    static constexpr int32_t kSink = 4;
    explicit StreamingPolicy(const MaskPolicySpec& spec) : m_budget(spec) {}

    QueryMask forStep(const TokenView& view) override {
        const int32_t begin = view.position + 1 - std::max(1, m_budget.tokens(view) - kSink);
        if (begin <= kSink) return everything();
        return {std::make_shared<const IntervalList>(IntervalList{{0, kSink}, {begin, kOpenEnd}}), 0};
    }

  private:
    ReadBudget m_budget;
};

}  // namespace spanscope
