// The instruction sets that this machine has and the CPU kernels were compiled for.
#pragma once

#include <hwy/targets.h>

#include <cstdint>
#include <vector>

#include "kernels/cpu/gemv_bytes.h"
#include "kernels/cpu/instruction_sets.h"

namespace spanscope {

/// What hwy::SetSupportedTargetsForTest() is given so that products of bytes run as well (gemv_bytes.h): no kernel of
/// Highway's is compiled for AVX3_DL, all others are those of AVX3.
inline constexpr int64_t kAvx3AndBytes = HWY_AVX3 | HWY_AVX3_DL;

/// As a set of bits, for hwy::SetSupportedTargetsForTest().
inline int64_t compiledTargets() {
    const int64_t kernels = hwy::SupportedTargets() & cpu::compiledInstructionSets();
    return (kernels & HWY_AVX3) != 0 && cpu::usesBytes() ? kernels | kAvx3AndBytes : kernels;
}

/// Sets under each of which other kernels run, the widest first.
inline std::vector<int64_t> eachCompiledTarget() {
    std::vector<int64_t> each;
    const int64_t targets = compiledTargets();
    if ((targets & kAvx3AndBytes) == kAvx3AndBytes) each.push_back(kAvx3AndBytes);
    for (int64_t bit = 1; bit != 0 && bit <= targets; bit <<= 1)
        if (targets & cpu::compiledInstructionSets() & bit) each.push_back(bit);
    return each;
}

/// Of one of these, for a row of a test.
inline const char* targetName(int64_t targets) {
    return targets == kAvx3AndBytes ? "AVX3 and bytes" : hwy::TargetName(targets);
}

}  // namespace spanscope
