// The type in which the CUDA backend multiplies a model's matrices. Host code without CUDA, so that the program knows
// what the plugin will do before it opens it.
#pragma once

#include <optional>

#include "kernels/model_tensors.h"

namespace spanscope {

/// F16 when any matrix is quantised (block scales are F16); the matrices' own type when all agree on F32, F16 or BF16;
/// else F32, which holds both 16-bit types exactly.
inline DType cudaMatrixType(const ModelWeights& weights) {
    bool quantised = false, mixed = false;
    std::optional<DType> common;
    forEachTensor(weights, [&](const TensorView& t, const TensorSpec& spec, int32_t) {
        if (!t || spec.kind != TensorKind::Matrix) return;
        if (isBlocked(t.dtype)) quantised = true;
        else if (!common) common = t.dtype;
        else if (*common != t.dtype) mixed = true;
    });
    if (quantised) return DType::F16;
    return mixed ? DType::F32 : common.value_or(DType::F32);
}

}  // namespace spanscope
