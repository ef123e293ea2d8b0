// Blocks of random bits, for measurements and tests: every quant, every scale of a group and every sign occurs.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"

namespace spanscope {

/// Root mean square of a block's values when d is 1, its bits are random and, where it has one, its offset takes out
/// the mean (drawBlocks).
inline float drawnDeviation(DType type) {
    switch (type) {
        case DType::Q8_0: return 74;
        case DType::Q4_0:
        case DType::Q4_1: return 4.6f;
        case DType::Q5_0:
        case DType::Q5_1: return 9.2f;
        case DType::IQ4_NL: return 67;
        case DType::Q2_K: return 14;
        case DType::Q3_K: return 43;
        case DType::Q4_K: return 258;
        case DType::Q5_K: return 527;
        case DType::Q6_K: return 1366;
        case DType::IQ4_XS: return 1244;
        default: return 1;
    }
}

/// bytes: whole blocks of `type`, which isBlocked(). Values have about the given root mean square; scales differ by up
/// to three. next(): 64 random bits.
template <class Next>
void drawBlocks(DType type, uint8_t* bytes, size_t n, float deviation, Next&& next) {
    for (size_t i = 0; i < n; i += 8) {
        const uint64_t bits = next();
        std::memcpy(bytes + i, &bits, n - i < 8 ? n - i : 8);
    }
    withBlock(type, [&]<class Block>(std::type_identity<Block>) {
        const float mean = std::is_same_v<Block, BlockQ2_K>                                       ? 1.5f
                           : std::is_same_v<Block, BlockQ4_1> || std::is_same_v<Block, BlockQ4_K> ? 7.5f
                                                                                                  : 15.5f;
        for (size_t at = 0; at + sizeof(Block) <= n; at += sizeof(Block)) {
            auto* block = reinterpret_cast<Block*>(bytes + at);
            const float vary = 0.5f + static_cast<float>(next() % 1024) / 1024;
            const float d = deviation / drawnDeviation(type) * vary;
            block->d = floatToF16(d);
            if constexpr (requires { block->dmin; }) block->dmin = floatToF16(d * mean);
            if constexpr (requires { block->m; }) block->m = floatToF16(-d * mean);
        }
    });
}

}  // namespace spanscope
