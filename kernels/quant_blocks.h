// The block formats of GGUF as they lie in memory. A row is a whole number of blocks; blocks are packed
// without padding, so every struct is byte-aligned. Values: see kernels/reference/dequantize.cpp.
#pragma once

#include <cstdint>

namespace spanscope {

inline constexpr int64_t kSmallBlock = 32;   ///< values in a Q8_0 or Q4_0 block
inline constexpr int64_t kSuperBlock = 256;  ///< values in a K-quant block

#pragma pack(push, 1)
struct BlockQ8_0 {
    uint16_t d;  ///< f16 scale
    int8_t qs[32];
};
struct BlockQ4_0 {
    uint16_t d;      ///< f16 scale
    uint8_t qs[16];  ///< low nibbles: values 0..15, high nibbles: 16..31; value = d * (nibble - 8)
};
struct BlockQ4_K {
    uint16_t d, dmin;    ///< f16 scales of scales and of mins
    uint8_t scales[12];  ///< eight 6-bit scales and eight 6-bit mins
    uint8_t qs[128];     ///< four groups of 32 bytes: low nibbles 32 values, high nibbles the next 32
};
struct BlockQ5_K {
    uint16_t d, dmin;
    uint8_t scales[12];
    uint8_t qh[32];  ///< fifth bits: bit g of byte i belongs to value i of group g
    uint8_t qs[128];
};
struct BlockQ6_K {
    uint8_t ql[128];    ///< low 4 bits
    uint8_t qh[64];     ///< high 2 bits
    int8_t scales[16];  ///< one per 16 values
    uint16_t d;         ///< f16 scale of scales
};
#pragma pack(pop)

static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_K) == 144 &&
              sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);

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

}  // namespace spanscope
