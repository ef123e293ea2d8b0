// The instruction sets that the CPU kernels have been compiled for. Of these Highway takes the widest that the
// processor has; what is not among them runs the kernels of a narrower one.
#pragma once

#include <cstdint>

namespace spanscope::cpu {

/// Bits as in <hwy/detect_targets.h>: HWY_AVX2, HWY_AVX3, ...
int64_t compiledInstructionSets();

}  // namespace spanscope::cpu
