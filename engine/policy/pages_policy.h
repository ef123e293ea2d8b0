// What the model names, as a server reads it whose KV cache comes in blocks of n tokens and cannot mask inside one:
// each interval rounded outward to whole blocks, and the prompt read causally (resources/serving).
#pragma once

#include <algorithm>

#include "engine/policy/mask_policy.h"
#include "engine/types/interval_algebra.h"

namespace spanscope {

class PagesPolicy : public MaskPolicy {
  public:
    explicit PagesPolicy(int32_t n) : m_n(n) {}

    QueryMask forStep(const TokenView& view) override {
        if (view.visible != m_of) {
            m_of = view.visible;
            IntervalList list = *m_of;
            for (Interval& i : list) {
                i.begin -= i.begin % m_n;
                const int64_t end = (int64_t{i.end} + m_n - 1) / m_n * m_n;
                i.end = i.end == kOpenEnd ? kOpenEnd : static_cast<int32_t>(std::min<int64_t>(end, kOpenEnd));
            }
            m_rounded = std::make_shared<const IntervalList>(normalised(std::move(list)));
        }
        return {m_rounded, view.maskId};
    }

  private:
    int32_t m_n;  ///< tokens of a block, 1 or more
    SharedIntervals m_of, m_rounded;
};

}  // namespace spanscope
