// How many tokens of one list a query reads, for many queries: attendedTokens() and loadedTokens() of
// kernels/visibility.h in the logarithm of the list's length.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/types/interval.h"

namespace spanscope {

class IntervalSums {
  public:
    /// list: sorted, disjoint, ends not negative. The sums stay valid for as long as the list is not changed.
    explicit IntervalSums(const IntervalList& list);

    int32_t attended(const IntervalList& list, int32_t query) const;  ///< list: the one given before
    /// window: of a layer that reads the newest tokens only, 0 = all.
    int32_t loaded(const IntervalList& list, int32_t query, int32_t window = 0) const;

  private:
    std::vector<int32_t> m_tokens;  ///< (intervals) in the intervals before each
    std::vector<int32_t> m_pages;   ///< (intervals) pages that the intervals before each touch
};

}  // namespace spanscope
