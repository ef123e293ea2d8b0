#include "kernels/reference/dequantize.h"

#include <cstring>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"

namespace spanscope {

namespace {

void rowQ8_0(const BlockQ8_0* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const BlockQ8_0& k = b[i / 32];
        out[i] = f16ToFloat(k.d) * static_cast<float>(k.qs[i % 32]);
    }
}

void rowQ4_0(const BlockQ4_0* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const BlockQ4_0& k = b[i / 32];
        const int j = static_cast<int>(i % 32);
        const int nibble = j < 16 ? k.qs[j] & 0xF : k.qs[j - 16] >> 4;
        out[i] = f16ToFloat(k.d) * static_cast<float>(nibble - 8);
    }
}

/// Q4_K and Q5_K differ only in the fifth bit.
template <class Block>
void rowQ45K(const Block* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const Block& k = b[i / 256];
        const int j = static_cast<int>(i % 256);
        const int group = j / 32;
        const int byte = (group / 2) * 32 + j % 32;
        int q = group % 2 == 0 ? k.qs[byte] & 0xF : k.qs[byte] >> 4;
        if constexpr (requires { k.qh; }) q += ((k.qh[j % 32] >> group) & 1) << 4;
        uint8_t scale = 0, min = 0;
        scaleMinK4(group, k.scales, scale, min);
        out[i] = f16ToFloat(k.d) * static_cast<float>(scale) * static_cast<float>(q) -
                 f16ToFloat(k.dmin) * static_cast<float>(min);
    }
}

void rowQ6K(const BlockQ6_K* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const BlockQ6_K& k = b[i / 256];
        const int j = static_cast<int>(i % 256);
        const int half = j / 128;  // 128 values: 64 bytes of ql, 32 of qh
        const int quarter = (j % 128) / 32;
        const int l = j % 32;
        const uint8_t low = k.ql[half * 64 + (quarter % 2) * 32 + l];
        const int lowBits = quarter < 2 ? low & 0xF : low >> 4;
        const int highBits = (k.qh[half * 32 + l] >> (2 * quarter)) & 3;
        const int q = (lowBits | (highBits << 4)) - 32;
        out[i] = f16ToFloat(k.d) * static_cast<float>(k.scales[j / 16]) * static_cast<float>(q);
    }
}

}  // namespace

void dequantizeRow(DType dtype, const void* row, int64_t cols, float* out) {
    const auto* bytes = static_cast<const uint8_t*>(row);
    switch (dtype) {
        case DType::F32: std::memcpy(out, row, static_cast<size_t>(cols) * 4); return;
        case DType::F16:
        case DType::BF16:
            for (int64_t i = 0; i < cols; ++i) {
                uint16_t v = 0;
                std::memcpy(&v, bytes + 2 * i, 2);
                out[i] = dtype == DType::F16 ? f16ToFloat(v) : bf16ToFloat(v);
            }
            return;
        case DType::Q8_0: return rowQ8_0(static_cast<const BlockQ8_0*>(row), cols, out);
        case DType::Q4_0: return rowQ4_0(static_cast<const BlockQ4_0*>(row), cols, out);
        case DType::Q4_K: return rowQ45K(static_cast<const BlockQ4_K*>(row), cols, out);
        case DType::Q5_K: return rowQ45K(static_cast<const BlockQ5_K*>(row), cols, out);
        case DType::Q6_K: return rowQ6K(static_cast<const BlockQ6_K*>(row), cols, out);
    }
}

}  // namespace spanscope
