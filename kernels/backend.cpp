#include "kernels/backend.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "kernels/quant_blocks.h"

namespace spanscope {

size_t rowBytes(DType dtype, int64_t cols) {
    if (cols <= 0) return 0;
    if (!isBlocked(dtype)) return static_cast<size_t>(cols) * (dtype == DType::F32 ? 4 : 2);
    size_t bytes = 0;
    withBlock(dtype, [&]<class Block>(std::type_identity<Block>) {
        if (cols % Block::kValues == 0) bytes = static_cast<size_t>(cols / Block::kValues) * sizeof(Block);
    });
    return bytes;
}

Rope Rope::plain(double base, int32_t dims) {
    Rope rope;
    for (int32_t i = 0; i < dims / 2; ++i) rope.invFreq.push_back(static_cast<float>(std::pow(base, -2.0 * i / dims)));
    return rope;
}

int64_t ReplacedRows::find(int32_t id) const {
    const auto it = std::lower_bound(ids.begin(), ids.end(), id);
    return it != ids.end() && *it == id ? it - ids.begin() : -1;
}

const char* dtypeName(DType dtype) {
    switch (dtype) {
        case DType::F32: return "F32";
        case DType::F16: return "F16";
        case DType::BF16: return "BF16";
        case DType::Q8_0: return "Q8_0";
        case DType::Q4_0: return "Q4_0";
        case DType::Q4_1: return "Q4_1";
        case DType::Q5_0: return "Q5_0";
        case DType::Q5_1: return "Q5_1";
        case DType::IQ4_NL: return "IQ4_NL";
        case DType::Q2_K: return "Q2_K";
        case DType::Q3_K: return "Q3_K";
        case DType::Q4_K: return "Q4_K";
        case DType::Q5_K: return "Q5_K";
        case DType::Q6_K: return "Q6_K";
        case DType::IQ4_XS: return "IQ4_XS";
    }
    return "?";
}

std::optional<DType> dtypeFromName(std::string_view name) {
    const auto same = [](unsigned char a, unsigned char b) { return std::toupper(a) == std::toupper(b); };
    for (const DType type : kDTypes) {
        const std::string_view known = dtypeName(type);
        if (std::equal(name.begin(), name.end(), known.begin(), known.end(), same)) return type;
    }
    return {};
}

std::string blockFormatNames() {
    std::string text;
    for (const DType type : kDTypes)
        if (isBlocked(type)) text.append(text.empty() ? "" : ", ").append(dtypeName(type));
    return text;
}

}  // namespace spanscope
