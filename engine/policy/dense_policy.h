// Plain causal attention: the comparison for every other policy.
#pragma once

#include "engine/policy/mask_policy.h"

namespace spanscope {

class DensePolicy : public MaskPolicy {
  public:
    QueryMask forStep(const TokenView&) override { return everything(); }
};

}  // namespace spanscope
