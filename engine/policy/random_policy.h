// Pages drawn at random, the query's own among them: the least that any choice has to beat. The draw follows from the
// position alone, so that a run can be repeated.
#pragma once

#include "engine/policy/mask_policy.h"
#include "engine/policy/read_budget.h"

namespace spanscope {

class RandomPolicy : public MaskPolicy {
  public:
    explicit RandomPolicy(const MaskPolicySpec& spec) : m_budget(spec) {}
    QueryMask forStep(const TokenView& view) override;

  private:
    ReadBudget m_budget;
};

}  // namespace spanscope
