// Writes the rotations of one row.
#pragma once

#include "kernels/cuda/step/rotations.h"

namespace spanscope::cuda {

/// Of row `row` of nRows, in all tables; by all threads of a block. form: 0 short, 1 long. In double: at position
/// 16,384 a float angle is wrong by a thousandth.
__device__ __forceinline__ void writeRotations(const RotationParams& p, int32_t row, int32_t nRows, int32_t position,
                                               int32_t form) {
    const int32_t n = p.nTables * p.halfDim;
    const float2* frequencies = p.frequencies + static_cast<size_t>(form) * n;
    for (int32_t i = threadIdx.x; i < n; i += blockDim.x) {
        const float2 f = frequencies[i];
        double s, c;
        sincos(static_cast<double>(f.x) * position, &s, &c);
        const int32_t table = i / p.halfDim;
        p.out[(static_cast<size_t>(table) * nRows + row) * p.halfDim + i % p.halfDim] =
            make_float2(static_cast<float>(c * f.y), static_cast<float>(s * f.y));
    }
}

}  // namespace spanscope::cuda
