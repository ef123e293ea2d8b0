// Interval lists as sets: the only place where lists are normalised, merged or cut.
#pragma once

#include "engine/types/interval.h"

namespace spanscope {

/// Sorts, drops empty intervals, joins those that overlap or touch.
IntervalList normalised(IntervalList list);

/// Set union of two normalised lists.
IntervalList unite(const IntervalList& a, const IntervalList& b);

/// The part of a normalised list inside [begin, end).
IntervalList clip(const IntervalList& list, int32_t begin, int32_t end);

/// Sorted, disjoint, not touching, begins >= 0, no empty interval.
bool isNormalised(const IntervalList& list);

}  // namespace spanscope
