// n tokens as whole pages, evenly spread over the context, the query's own page the last of them: what a list of many
// pieces costs beside keep=n, which is as long in one piece.
#pragma once

#include "engine/policy/mask_policy.h"

namespace spanscope {

class ScatterPolicy : public MaskPolicy {
  public:
    explicit ScatterPolicy(int32_t n) : m_n(n) {}
    QueryMask forStep(const TokenView& view) override;

  private:
    int32_t m_n;  ///< tokens, rounded down to pages but at least one; 1 or more
};

}  // namespace spanscope
