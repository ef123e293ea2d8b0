// From an interval list to the pages a kernel walks: which page of the pool, and which of its 16 tokens count.
// Made once per step and used by every layer.
#pragma once

#include <span>

#include "kernels/visibility.h"

namespace spanscope::cpu {

struct PageRef {
    int32_t pool = 0;   ///< index into the cache's pages
    int32_t first = 0;  ///< token position of its first slot
    uint32_t mask = 0;  ///< bit i: the query may read token first + i
};

/// out: room for every page up to `query`. Returns how many were written, ascending, none with an empty mask.
/// pageTable: (pages of the sequence) pool index of each.
int32_t planPages(std::span<const Interval> list, int32_t query, std::span<const int32_t> pageTable, PageRef* out);

}  // namespace spanscope::cpu
