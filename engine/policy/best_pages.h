// The best of scored pages as a list, and how many of them a budget of tokens is.
#pragma once

#include <vector>

#include "engine/types/interval.h"

namespace spanscope {

/// Pages that hold about `tokens`, the query's own among them, of which only the tokens up to `position` are there: the
/// nearest number, 1 or more.
inline int32_t nPagesFor(int32_t tokens, int32_t position, int32_t pageTokens) {
    const int32_t own = position % pageTokens + 1;
    return 1 + (tokens > own ? (tokens - own + pageTokens / 2) / pageTokens : 0);
}

/// The nPages best of `scores` (one a page of pageTokens tokens; of equal ones the earlier), those in `always` before
/// all others. 1 or more; a page's last token may lie beyond the sequence.
IntervalList bestPages(const std::vector<float>& scores, int32_t pageTokens, int32_t nPages,
                       const std::vector<int32_t>& always);

}  // namespace spanscope
