// What a stored row means in floats: the specification of every weight format, one value at a time.
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace spanscope {

/// row: rowBytes(dtype, cols) bytes. out: (cols). cols fits the blocks (rowBytes != 0).
void dequantizeRow(DType dtype, const void* row, int64_t cols, float* out);

}  // namespace spanscope
