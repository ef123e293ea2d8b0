// What a reader of a trace should know of the computer it was made on, and what this process takes of it. Linux;
// elsewhere the architecture only.
#pragma once

#include <cstdint>
#include <string>

namespace spanscope {

/// "AMD EPYC 9654, 2 cores, 7.8 GiB, Linux 6.1".
std::string describeMachine();

/// Memory of this process that is really in RAM, bytes; 0 where the system does not say.
struct ProcessMemory {
    int64_t peakBytes = 0;  ///< the most it ever was, mapped model files included
    int64_t anonBytes = 0;  ///< now: what the program itself took
    int64_t fileBytes = 0;  ///< now: pages of mapped files (weights, the program, libraries), which the system can drop
};
ProcessMemory processMemory();

}  // namespace spanscope
