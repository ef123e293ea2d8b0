// The first token and the last n: StreamingLLM's attention sink and recent tokens (arXiv 2309.17453), with positions
// left as they are.
#pragma once

#include "engine/policy/mask_policy.h"

namespace spanscope {

class KeepPolicy : public MaskPolicy {
  public:
    explicit KeepPolicy(int32_t n) : m_n(n) {}

    QueryMask forStep(const TokenView& view) override {
        const int32_t begin = view.position + 1 - m_n;
        if (begin <= 1) return everything();
        return {std::make_shared<const IntervalList>(IntervalList{{0, 1}, {begin, kOpenEnd}}), 0};
    }

  private:
    int32_t m_n;  ///< tokens, the query's own included; 1 or more
};

}  // namespace spanscope
