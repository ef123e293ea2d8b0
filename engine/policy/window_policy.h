// The last n tokens and nothing else: a sliding window as in Mistral (arXiv 2310.06825), here over a model that need
// not have been trained with one. keep=n is the same with the first token kept.
#pragma once

#include "engine/policy/mask_policy.h"

namespace spanscope {

class WindowPolicy : public MaskPolicy {
  public:
    explicit WindowPolicy(int32_t n) : m_n(n) {}

    QueryMask forStep(const TokenView& view) override {
        const int32_t begin = view.position + 1 - m_n;
        if (begin <= 0) return everything();
        return {std::make_shared<const IntervalList>(IntervalList{{begin, kOpenEnd}}), 0};
    }

  private:
    int32_t m_n;  ///< tokens, the query's own included; 1 or more
};

}  // namespace spanscope
