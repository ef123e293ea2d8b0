// How many tokens a step may read under a policy that is compared at equal cost: a number, a share of the context, or
// as many as the declared span of the same step has.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/span/tracker.h"
#include "engine/types/interval.h"
#include "engine/types/mask_policy_spec.h"

namespace spanscope {

class ReadBudget {
  public:
    /// spec.n of 0: as declared.
    explicit ReadBudget(const MaskPolicySpec& spec) : m_n(spec.n), m_percent(spec.percent) {}

    /// 1 to view.position + 1.
    int32_t tokens(const TokenView& view) const {
        const int32_t all = view.position + 1;
        int64_t n = m_n;
        if (m_n == 0) n = attendedTokens(*view.visible, view.position);
        else if (m_percent) n = (int64_t{all} * m_n + 99) / 100;
        return static_cast<int32_t>(std::clamp<int64_t>(n, 1, all));
    }

  private:
    int32_t m_n;
    bool m_percent;
};

}  // namespace spanscope
