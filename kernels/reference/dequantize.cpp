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

/// Value j of 32 in 16 bytes.
int nibbleAt(const uint8_t* qs, int j) { return j < 16 ? qs[j] & 0xF : qs[j - 16] >> 4; }

/// Q4_0, Q4_1, Q5_0, Q5_1 and IQ4_NL.
template <class Block>
void rowNibbles(const Block* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const Block& k = b[i / 32];
        const int j = static_cast<int>(i % 32);
        int q = nibbleAt(k.qs, j);
        if constexpr (requires { k.qh; }) q += ((k.qh[j / 8] >> (j % 8)) & 1) << 4;
        if constexpr (requires { k.m; }) {
            out[i] = f16ToFloat(k.d) * static_cast<float>(q) + f16ToFloat(k.m);
            continue;
        }
        if constexpr (std::is_same_v<Block, BlockQ4_0>) q -= 8;
        if constexpr (std::is_same_v<Block, BlockQ5_0>) q -= 16;
        if constexpr (std::is_same_v<Block, BlockIQ4_NL>) q = kNonLinear4[q];
        out[i] = f16ToFloat(k.d) * static_cast<float>(q);
    }
}

/// Two bits of value j of 256.
int twoBitsAt(const uint8_t* qs, int j) { return (qs[j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2)) & 3; }

void rowQ2K(const BlockQ2_K* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const BlockQ2_K& k = b[i / 256];
        const int j = static_cast<int>(i % 256);
        const int both = k.scales[j / 16];
        out[i] = f16ToFloat(k.d) * static_cast<float>(both & 0xF) * static_cast<float>(twoBitsAt(k.qs, j)) -
                 f16ToFloat(k.dmin) * static_cast<float>(both >> 4);
    }
}

void rowQ3K(const BlockQ3_K* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const BlockQ3_K& k = b[i / 256];
        const int j = static_cast<int>(i % 256);
        const int q = (twoBitsAt(k.qs, j) | ((k.hmask[j % 32] >> (j / 32)) & 1) << 2) - 4;
        out[i] = f16ToFloat(k.d) * static_cast<float>(scaleK3(j / 16, k.scales) - 32) * static_cast<float>(q);
    }
}

void rowIQ4XS(const BlockIQ4_XS* b, int64_t cols, float* out) {
    for (int64_t i = 0; i < cols; ++i) {
        const BlockIQ4_XS& k = b[i / 256];
        const int g = static_cast<int>(i % 256 / 32);
        const int q = kNonLinear4[nibbleAt(k.qs + 16 * g, static_cast<int>(i % 32))];
        out[i] = f16ToFloat(k.d) * static_cast<float>(scaleIQ4(g, k) - 32) * static_cast<float>(q);
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
        case DType::Q4_0: return rowNibbles(static_cast<const BlockQ4_0*>(row), cols, out);
        case DType::Q4_1: return rowNibbles(static_cast<const BlockQ4_1*>(row), cols, out);
        case DType::Q5_0: return rowNibbles(static_cast<const BlockQ5_0*>(row), cols, out);
        case DType::Q5_1: return rowNibbles(static_cast<const BlockQ5_1*>(row), cols, out);
        case DType::IQ4_NL: return rowNibbles(static_cast<const BlockIQ4_NL*>(row), cols, out);
        case DType::Q2_K: return rowQ2K(static_cast<const BlockQ2_K*>(row), cols, out);
        case DType::Q3_K: return rowQ3K(static_cast<const BlockQ3_K*>(row), cols, out);
        case DType::Q4_K: return rowQ45K(static_cast<const BlockQ4_K*>(row), cols, out);
        case DType::Q5_K: return rowQ45K(static_cast<const BlockQ5_K*>(row), cols, out);
        case DType::Q6_K: return rowQ6K(static_cast<const BlockQ6_K*>(row), cols, out);
        case DType::IQ4_XS: return rowIQ4XS(static_cast<const BlockIQ4_XS*>(row), cols, out);
    }
}

}  // namespace spanscope
