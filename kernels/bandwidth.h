// How fast this machine can read memory: the denominator of every "fraction of bandwidth".
#pragma once

#include <cstdint>

namespace spanscope {

/// GB/s (1e9) that nThreads (0 = all cores) reach together when they only add up a buffer of `nBytes`, larger than
/// any cache: the best of several passes, so that a busy neighbour lowers it little. 0 if memory cannot be had.
double measureReadGBps(int32_t nThreads, int64_t nBytes = int64_t{1} << 30);

}  // namespace spanscope
