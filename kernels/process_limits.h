// What this process may use of the machine: not what is built in, but what the system leaves it. Linux; elsewhere all
// cores and no limit of memory.
#pragma once

#include <cstdint>
#include <string>

namespace spanscope {

/// Where the system's own files are; another place for tests.
struct SystemFiles {
    std::string proc = "/proc";
    std::string prefix;  ///< before every mount point that proc/self/mountinfo names
};

/// Threads that can work at the same time, 1 or more: the least of the cores that the process may run on (taskset,
/// cpuset) and the quota of its control group and of all groups above it, rounded up.
int32_t usableThreads(const SystemFiles& files = {});

/// Bytes that can still be taken, 0 where nothing is known: the least of what the machine has available, what the
/// tightest control group on the way up leaves (pages of files that the system can drop count as free), and the limit
/// of the address space (ulimit -v).
uint64_t freeMemoryBytes(const SystemFiles& files = {});

}  // namespace spanscope
