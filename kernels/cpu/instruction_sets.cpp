#include "kernels/cpu/instruction_sets.h"

#include <hwy/detect_targets.h>

namespace spanscope::cpu {

int64_t compiledInstructionSets() { return HWY_TARGETS; }

}  // namespace spanscope::cpu
