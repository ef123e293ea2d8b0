// The instruction sets that this machine has and the CPU kernels were compiled for.
#pragma once

#include <hwy/targets.h>

#include <cstdint>
#include <vector>

namespace spanscope {

/// As a set of bits, for hwy::SetSupportedTargetsForTest().
inline int64_t compiledTargets() {
#ifdef SPANSCOPE_ONE_TARGET
    return HWY_AVX2;
#else
    return hwy::SupportedTargets();
#endif
}

/// One by one, the widest first.
inline std::vector<int64_t> eachCompiledTarget() {
    std::vector<int64_t> each;
    const int64_t targets = compiledTargets();
    for (int64_t bit = 1; bit != 0 && bit <= targets; bit <<= 1)
        if (targets & bit) each.push_back(bit);
    return each;
}

}  // namespace spanscope
