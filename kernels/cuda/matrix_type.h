// The type in which the CUDA backend multiplies a model's matrices. Host code without CUDA, so that the program knows
// what the plugin will do before it opens it.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <vector>

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

/// Block formats that the CUDA backend multiplies as they are.
inline bool cudaKeepsBlocks(DType dtype) { return dtype == DType::Q8_0 || dtype == DType::Q4_0; }

/// Matrices in blocks that lie on the device as F16.
struct CudaWidening {
    std::vector<DType> formats;  ///< of those matrices, each once; empty: nothing is widened
    uint64_t bytes = 0;          ///< that they take on the device
};

/// Those in other formats, and of matrices that are joined into one (q, k and v; gate and up) all where formats differ.
inline CudaWidening cudaWidening(const ModelWeights& weights) {
    CudaWidening found;
    const auto joined = [&](std::initializer_list<const TensorView*> parts) {
        const DType first = (*parts.begin())->dtype;
        if (cudaKeepsBlocks(first) &&
            std::all_of(parts.begin(), parts.end(), [&](const TensorView* t) { return t->dtype == first; }))
            return;
        for (const TensorView* t : parts) {
            if (!isBlocked(t->dtype)) continue;
            found.bytes += static_cast<uint64_t>(t->rows * t->cols) * 2;
            if (std::find(found.formats.begin(), found.formats.end(), t->dtype) == found.formats.end())
                found.formats.push_back(t->dtype);
        }
    };
    joined({&weights.embedding});
    if (weights.head) joined({&weights.head});
    for (const LayerWeights& l : weights.layers) {
        joined({&l.q, &l.k, &l.v});
        joined({&l.o});
        joined({&l.gate, &l.up});
        joined({&l.down});
    }
    return found;
}

}  // namespace spanscope
