// What the model names: the tracker's list as it is, in the prompt too.
#pragma once

#include "engine/policy/mask_policy.h"

namespace spanscope {

class DeclaredPolicy : public MaskPolicy {
  public:
    QueryMask forStep(const TokenView& view) override { return {view.visible, view.maskId}; }
    QueryMask forPrompt(const TokenView& view) override { return forStep(view); }
};

}  // namespace spanscope
