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
        case 3: return DType::Q4_1;
        case 6: return DType::Q5_0;
        case 7: return DType::Q5_1;
        case 8: return DType::Q8_0;
        case 10: return DType::Q2_K;
        case 11: return DType::Q3_K;
        case 12: return DType::Q4_K;
        case 13: return DType::Q5_K;
        case 14: return DType::Q6_K;
        case 20: return DType::IQ4_NL;
        case 23: return DType::IQ4_XS;
        case 30: return DType::BF16;
        default: return {};
    }
}

inline std::string ggmlTypeName(uint32_t type) {
    if (const auto dtype = ggmlDType(type)) return dtypeName(*dtype);
    switch (type) {
        case 9: return "Q8_1";
        case 16: return "IQ2_XXS";
        case 17: return "IQ2_XS";
        case 18: return "IQ3_XXS";
        case 19: return "IQ1_S";
        case 21: return "IQ3_S";
        case 22: return "IQ2_S";
        case 29: return "IQ1_M";
        case 34: return "TQ1_0";
        case 35: return "TQ2_0";
        case 39: return "MXFP4";
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
