// The block formats of GGUF as they lie in memory. A row is a whole number of blocks; blocks are packed
// without padding, so every struct is byte-aligned. Values: see kernels/reference/dequantize.cpp.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/backend.h"

namespace spanscope {

inline constexpr int64_t kSmallBlock = 32;   ///< values in a block with one scale
inline constexpr int64_t kSuperBlock = 256;  ///< values in a K block and in IQ4_XS

// In blocks of 32 with nibbles, byte j of qs holds value j in its low nibble and value 16 + j in its high one; a fifth
// bit of value i is bit i of qh, a little-endian number.
#pragma pack(push, 1)
struct BlockQ8_0 {
    static constexpr int64_t kValues = kSmallBlock;
    uint16_t d;  ///< f16 scale
    int8_t qs[32];
};
struct BlockQ4_0 {
    static constexpr int64_t kValues = kSmallBlock;
    uint16_t d;  ///< f16 scale; value = d * (nibble - 8)
    uint8_t qs[16];
};
struct BlockQ4_1 {
    static constexpr int64_t kValues = kSmallBlock;
    uint16_t d, m;  ///< f16; value = d * nibble + m
    uint8_t qs[16];
};
struct BlockQ5_0 {
    static constexpr int64_t kValues = kSmallBlock;
    uint16_t d;  ///< f16 scale; value = d * (five bits - 16)
    uint8_t qh[4];
    uint8_t qs[16];
};
struct BlockQ5_1 {
    static constexpr int64_t kValues = kSmallBlock;
    uint16_t d, m;  ///< f16; value = d * five bits + m
    uint8_t qh[4];
    uint8_t qs[16];
};
struct BlockIQ4_NL {
    static constexpr int64_t kValues = kSmallBlock;
    uint16_t d;  ///< f16 scale; value = d * kNonLinear4[nibble]
    uint8_t qs[16];
};
struct BlockQ2_K {
    static constexpr int64_t kValues = kSuperBlock;
    uint8_t scales[16];  ///< of every 16 values: low nibble the scale, high nibble the min
    uint8_t qs[64];      ///< two times 32 bytes for 128 values: bits 2 j and 2 j + 1 belong to group j of 32
    uint16_t d, dmin;    ///< f16 scales of scales and of mins
};
struct BlockQ3_K {
    static constexpr int64_t kValues = kSuperBlock;
    uint8_t hmask[32];   ///< third bits: bit g of byte i belongs to value i of group g
    uint8_t qs[64];      ///< as in Q2_K; value = d * (scale - 32) * (three bits - 4)
    uint8_t scales[12];  ///< sixteen 6-bit scales, one for every 16 values: scaleK3
    uint16_t d;          ///< f16 scale of scales
};
struct BlockQ4_K {
    static constexpr int64_t kValues = kSuperBlock;
    uint16_t d, dmin;    ///< f16 scales of scales and of mins
    uint8_t scales[12];  ///< eight 6-bit scales and eight 6-bit mins
    uint8_t qs[128];     ///< four groups of 32 bytes: low nibbles 32 values, high nibbles the next 32
};
struct BlockQ5_K {
    static constexpr int64_t kValues = kSuperBlock;
    uint16_t d, dmin;
    uint8_t scales[12];
    uint8_t qh[32];  ///< fifth bits: bit g of byte i belongs to value i of group g
    uint8_t qs[128];
};
struct BlockQ6_K {
    static constexpr int64_t kValues = kSuperBlock;
    uint8_t ql[128];    ///< low 4 bits
    uint8_t qh[64];     ///< high 2 bits
    int8_t scales[16];  ///< one per 16 values
    uint16_t d;         ///< f16 scale of scales
};
struct BlockIQ4_XS {
    static constexpr int64_t kValues = kSuperBlock;
    uint16_t d;           ///< f16 scale of scales; value = d * (scale - 32) * kNonLinear4[nibble]
    uint16_t scalesHigh;  ///< bits 2 g and 2 g + 1: the high bits of group g's 6-bit scale
    uint8_t scalesLow[4];
    uint8_t qs[128];  ///< eight groups of 32 values, each as in IQ4_NL
};
#pragma pack(pop)

static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 &&
              sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144 &&
              sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_XS) == 136);

/// What the nibbles of IQ4_NL and IQ4_XS stand for (ggml's kvalues_iq4nl).
inline constexpr int8_t kNonLinear4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// fn(std::type_identity<BlockX>) for a block format, nothing for others.
template <class Fn>
void withBlock(DType type, Fn&& fn) {
    switch (type) {
        case DType::F32:
        case DType::F16:
        case DType::BF16: return;
        case DType::Q8_0: return fn(std::type_identity<BlockQ8_0>());
        case DType::Q4_0: return fn(std::type_identity<BlockQ4_0>());
        case DType::Q4_1: return fn(std::type_identity<BlockQ4_1>());
        case DType::Q5_0: return fn(std::type_identity<BlockQ5_0>());
        case DType::Q5_1: return fn(std::type_identity<BlockQ5_1>());
        case DType::IQ4_NL: return fn(std::type_identity<BlockIQ4_NL>());
        case DType::Q2_K: return fn(std::type_identity<BlockQ2_K>());
        case DType::Q3_K: return fn(std::type_identity<BlockQ3_K>());
        case DType::Q4_K: return fn(std::type_identity<BlockQ4_K>());
        case DType::Q5_K: return fn(std::type_identity<BlockQ5_K>());
        case DType::Q6_K: return fn(std::type_identity<BlockQ6_K>());
        case DType::IQ4_XS: return fn(std::type_identity<BlockIQ4_XS>());
    }
}

/// Scale and min of group g (0..7) of a Q4_K or Q5_K block.
inline void scaleMinK4(int g, const uint8_t* scales, uint8_t& scale, uint8_t& min) {
    if (g < 4) {
        scale = scales[g] & 63;
        min = scales[g + 4] & 63;
    } else {
        scale = static_cast<uint8_t>((scales[g + 4] & 0xF) | ((scales[g - 4] >> 6) << 4));
        min = static_cast<uint8_t>((scales[g + 4] >> 4) | ((scales[g] >> 6) << 4));
    }
}

/// Scale k (0..15) of a Q3_K block, still 32 too large.
inline int scaleK3(int k, const uint8_t* scales) {
    const int low = k < 8 ? scales[k] & 0xF : scales[k - 8] >> 4;
    return low | ((scales[8 + k % 4] >> (2 * (k / 4))) & 3) << 4;
}

/// The scale of group g (0..7) of an IQ4_XS block, still 32 too large.
inline int scaleIQ4(int g, const BlockIQ4_XS& block) {
    return ((block.scalesLow[g / 2] >> (4 * (g % 2))) & 0xF) | ((block.scalesHigh >> (2 * g)) & 3) << 4;
}

}  // namespace spanscope
