// The kernels behind gemvRows() (gemv.h), one for each kind of format; called by gemv.cpp only. Arguments as there.
#pragma once

#include "kernels/cpu/gemv.h"

namespace spanscope::cpu {

/// w: F32, F16 or BF16. gemv_plain.cpp.
void gemvPlainRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
                   float* out, size_t outStride);
/// w: a block format; in.words are set. gemv_blocks.cpp.
void gemvBlockRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
                   float* out, size_t outStride);
/// x (n, a multiple of 32) to 16-bit words with a scale for every 32 values, and their sums. gemv_blocks.cpp.
void quantizeInput(const float* x, size_t n, int16_t* words, float* scales, float* sums);

}  // namespace spanscope::cpu
