#include "kernels/backend.h"

#include <cmath>

#include "kernels/quant_blocks.h"

namespace spanscope {

namespace {
size_t blocked(int64_t cols, int64_t block, size_t blockBytes) {
    return cols % block == 0 ? static_cast<size_t>(cols / block) * blockBytes : 0;
}
}  // namespace

size_t rowBytes(DType dtype, int64_t cols) {
    if (cols <= 0) return 0;
    switch (dtype) {
        case DType::F32: return static_cast<size_t>(cols) * 4;
        case DType::F16:
        case DType::BF16: return static_cast<size_t>(cols) * 2;
        case DType::Q8_0: return blocked(cols, kSmallBlock, sizeof(BlockQ8_0));
        case DType::Q4_0: return blocked(cols, kSmallBlock, sizeof(BlockQ4_0));
        case DType::Q4_K: return blocked(cols, kSuperBlock, sizeof(BlockQ4_K));
        case DType::Q5_K: return blocked(cols, kSuperBlock, sizeof(BlockQ5_K));
        case DType::Q6_K: return blocked(cols, kSuperBlock, sizeof(BlockQ6_K));
    }
    return 0;
}

Rope Rope::plain(double base, int32_t dims) {
    Rope rope;
    for (int32_t i = 0; i < dims / 2; ++i) rope.invFreq.push_back(static_cast<float>(std::pow(base, -2.0 * i / dims)));
    return rope;
}

const char* dtypeName(DType dtype) {
    switch (dtype) {
        case DType::F32: return "F32";
        case DType::F16: return "F16";
        case DType::BF16: return "BF16";
        case DType::Q8_0: return "Q8_0";
        case DType::Q4_0: return "Q4_0";
        case DType::Q4_K: return "Q4_K";
        case DType::Q5_K: return "Q5_K";
        case DType::Q6_K: return "Q6_K";
    }
    return "?";
}

}  // namespace spanscope
