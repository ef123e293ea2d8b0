// The best of scored pages as a list.
#pragma once

#include <vector>

#include "engine/types/interval.h"

namespace spanscope {

/// The nPages best of `scores` (one a page of pageTokens tokens; of equal ones the earlier), those in `always` before
/// all others. 1 or more; a page's last token may lie beyond the sequence.
IntervalList bestPages(const std::vector<float>& scores, int32_t pageTokens, int32_t nPages,
                       const std::vector<int32_t>& always);

}  // namespace spanscope
