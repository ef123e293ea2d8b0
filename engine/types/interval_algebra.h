// Interval lists as sets: the only place where lists are normalised, merged, cut or compared.
#pragma once

#include "engine/types/interval.h"

namespace spanscope {

/// Sorts, drops empty intervals, joins those that overlap or touch.
IntervalList normalised(IntervalList list);

/// Sorted, disjoint, not touching, begins >= 0, no empty interval.
bool isNormalised(const IntervalList& list);

// The following take normalised lists and give normalised lists.

/// The part inside [begin, end).
IntervalList clip(const IntervalList& list, int32_t begin, int32_t end);

IntervalList intersect(const IntervalList& a, const IntervalList& b);

/// What a has and b has not.
IntervalList subtract(const IntervalList& a, const IntervalList& b);

/// Tokens of a list without open ends.
int64_t nTokens(const IntervalList& list);

/// The first token that one list has and the other has not; INT32_MAX where they are equal. A query below it reads the
/// same.
int32_t firstDifference(const IntervalList& a, const IntervalList& b);

}  // namespace spanscope
