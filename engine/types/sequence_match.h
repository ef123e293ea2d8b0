// Which elements of two sequences correspond: Myers' difference algorithm (Algorithmica 1, 1986, 251-266) with the
// middle snake, so that memory is linear. Values; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spanscope {

/// For each element of `a` the index of the equal element of `b` that it corresponds to, -1 for none. Indices ascend.
/// As few elements as possible are left over, as long as a part needs no more than some hundred edits; beyond that the
/// search of that part ends where it got furthest, which bounds the time by (a + b) times that number.
std::vector<int32_t> matchSequences(std::span<const uint64_t> a, std::span<const uint64_t> b);

}  // namespace spanscope
