// Weights of any format to floats, with the vector unit: what the prefill and the embedding use.
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace spanscope::cpu {

/// Values [begin, end) of a stored row; begin is a multiple of 256 or of the row's block.
void widenRow(DType type, const void* row, int64_t begin, int64_t end, float* out);

}  // namespace spanscope::cpu
