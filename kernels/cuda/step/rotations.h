// The angles by which a model rotates queries and keys (RoPE), as kernels read them. A model has a table for each of
// its ropes, and one that rotates nothing for layers without RoPE; each in a short and, where the model has one, a long
// form.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace spanscope::cuda {

struct RotationParams {
    /// (forms, nTables, halfDim) radians per position, and what cosine and sine are multiplied by. Pairs that stay as
    /// they are have (0, 1).
    const float2* frequencies = nullptr;
    int32_t nTables = 1, halfDim = 0;
    float2* out = nullptr;  ///< (nTables, rows, halfDim) cosine and sine
};

}  // namespace spanscope::cuda
