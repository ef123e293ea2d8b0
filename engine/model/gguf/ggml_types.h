// ggml's numbers for tensor types (ggml.h) against ours. Private to engine/model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace spanscope {

/// Empty for types that this program does not compute with.
inline std::optional<DType> ggmlDType(uint32_t type) {
    switch (type) {
        case 0: return DType::F32;
        case 1: return DType::F16;
        case 2: return DType::Q4_0;
        case 8: return DType::Q8_0;
        case 12: return DType::Q4_K;
        case 13: return DType::Q5_K;
        case 14: return DType::Q6_K;
        case 30: return DType::BF16;
        default: return {};
    }
}

inline std::string ggmlTypeName(uint32_t type) {
    if (const auto dtype = ggmlDType(type)) return dtypeName(*dtype);
    switch (type) {
        case 3: return "Q4_1";
        case 6: return "Q5_0";
        case 7: return "Q5_1";
        case 10: return "Q2_K";
        case 11: return "Q3_K";
        default: return "ggml type " + std::to_string(type);
    }
}

/// Empty for unknown types; 0 if a row is not a whole number of blocks or the size overflows.
inline std::optional<uint64_t> ggmlTensorBytes(uint32_t type, const std::vector<int64_t>& shape) {
    const auto dtype = ggmlDType(type);
    if (!dtype) return {};
    uint64_t bytes = rowBytes(*dtype, shape.back());
    for (size_t i = 0; i + 1 < shape.size(); ++i) {
        const auto extent = static_cast<uint64_t>(shape[i]);
        if (bytes > UINT64_MAX / extent) return 0;
        bytes *= extent;
    }
    return bytes;
}

}  // namespace spanscope
