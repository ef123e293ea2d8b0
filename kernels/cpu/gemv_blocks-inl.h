// Dot products with the block formats, used as they lie. Weights are small integers, so a group of 32 is
// multiplied as 16-bit integers: the inputs are rounded to 16 bits with a scale for every 32 of them (an error of
// at most 1.5e-5 of the largest of the 32, far below the formats' own), two products and their sum take one
// instruction, and one conversion and one multiply-add bring the group to float.
//
// One row at a time: several rows are as many memory streams, which the hardware prefetcher follows far worse than one.
// Bytes: every weight once. Limit: memory bandwidth, and for several tokens the integer products.
// Tried and dropped: widening to float and three multiply-adds per 32 values (two thirds of the speed); scales of eight
// blocks at once and Q4_0's offset by the input's sums (Q4_0 + 5%, Q8_0 - 4%: arithmetic is not all that bounds it).
// Where processors multiply bytes decode takes another path: gemv_bytes.h.
// Included once per instruction set.
#include "kernels/cpu/gemv.h"
#include "kernels/half.h"
#include "kernels/quant_blocks.h"

#if defined(SPANSCOPE_GEMV_BLOCKS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_GEMV_BLOCKS_INL_H
#undef SPANSCOPE_GEMV_BLOCKS_INL_H
#else
#define SPANSCOPE_GEMV_BLOCKS_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace blocks {

/// Sixteen words at most: half a group. Wider registers gain nothing here and would straddle two scales.
using D16 = hn::CappedTag<int16_t, 16>;
using DU16 = hn::RebindToUnsigned<D16>;
using V16 = hn::Vec<D16>;
inline constexpr int kWords = HWY_LANES(int16_t) < 16 ? HWY_LANES(int16_t) : 16;
inline constexpr int kHalf = 16 / kWords;  ///< vectors in half a group
using D32 = hn::CappedTag<int32_t, 8>;
using DF = hn::RebindToFloat<D32>;

/// An f16 in every lane, as float.
HWY_INLINE hn::Vec<DF> half(uint16_t v) {
    const hn::Rebind<uint16_t, DF> du;
    const hn::Rebind<hwy::float16_t, DF> dh;
    return hn::PromoteTo(DF(), hn::BitCast(dh, hn::Set(du, v)));
}

HWY_INLINE hn::Vec<DU16> bytes(const uint8_t* p) {
    const hn::Rebind<uint8_t, DU16> d8;
    return hn::PromoteTo(DU16(), hn::LoadU(d8, p));
}

/// 32 values as integers: value i of the group is lane i % kWords of vector i / kWords.
struct Words {
    V16 v[2 * kHalf];
};

inline constexpr int kFloats = HWY_LANES(float) < 8 ? HWY_LANES(float) : 8;

/// out = bytes * factor, eight of them, signed or not.
template <class Byte>
HWY_INLINE void scaled(const Byte* p, hn::Vec<DF> factor, float* out) {
    const hn::Rebind<Byte, D32> d8;
    for (int i = 0; i < 8; i += kFloats)
        hn::StoreU(hn::Mul(hn::ConvertTo(DF(), hn::PromoteTo(D32(), hn::LoadU(d8, p + i))), factor), DF(), out + i);
}

/// What a K block says besides its quants: a scale for every 32 values (Q6_K: for every 16) and the factor of the
/// input's sum over 32.
struct Header {
    float scales[16];
    float offsets[8];
};

/// Eight 6-bit scales and eight 6-bit mins as bytes.
HWY_INLINE void unpackScales(const uint8_t* packed, uint8_t* scales, uint8_t* mins) {
    uint32_t a = 0, b = 0, c = 0;
    __builtin_memcpy(&a, packed, 4);
    __builtin_memcpy(&b, packed + 4, 4);
    __builtin_memcpy(&c, packed + 8, 4);
    const uint32_t s[2] = {a & 0x3f3f3f3fu, (c & 0x0f0f0f0fu) | ((a >> 2) & 0x30303030u)};
    const uint32_t m[2] = {b & 0x3f3f3f3fu, ((c >> 4) & 0x0f0f0f0fu) | ((b >> 2) & 0x30303030u)};
    __builtin_memcpy(scales, s, 8);
    __builtin_memcpy(mins, m, 8);
}

}  // namespace blocks

struct FormatQ8_0 {
    using Block = BlockQ8_0;
    static constexpr int kGroups = 1;
    static constexpr bool kOffsets = false, kTwoScales = false;
    static HWY_INLINE void words(const Block* b, int, blocks::Words& w) {
        const hn::Rebind<int8_t, blocks::D16> d8;
        for (int j = 0; j < 2 * blocks::kHalf; ++j)
            w.v[j] = hn::PromoteTo(blocks::D16(), hn::LoadU(d8, b->qs + j * blocks::kWords));
    }
};

struct FormatQ4_0 {
    using Block = BlockQ4_0;
    static constexpr int kGroups = 1;
    static constexpr bool kOffsets = false, kTwoScales = false;
    static HWY_INLINE void words(const Block* b, int, blocks::Words& w) {
        const blocks::D16 d;
        const blocks::DU16 du;
        const auto eight = hn::Set(d, int16_t{8});
        for (int j = 0; j < blocks::kHalf; ++j) {
            const auto v = blocks::bytes(b->qs + j * blocks::kWords);
            w.v[j] = hn::Sub(hn::BitCast(d, hn::And(v, hn::Set(du, uint16_t{0xF}))), eight);
            w.v[blocks::kHalf + j] = hn::Sub(hn::BitCast(d, hn::ShiftRight<4>(v)), eight);
        }
    }
};

/// Q4_K and Q5_K.
template <class B>
struct FormatQ45K {
    using Block = B;
    static constexpr int kGroups = 8;
    static constexpr bool kOffsets = true, kTwoScales = false;
    static HWY_INLINE void header(const Block* b, blocks::Header& h) {
        uint8_t scales[8], mins[8];
        blocks::unpackScales(b->scales, scales, mins);
        blocks::scaled(scales, blocks::half(b->d), h.scales);
        blocks::scaled(mins, hn::Neg(blocks::half(b->dmin)), h.offsets);
    }
    static HWY_INLINE void words(const Block* b, int g, blocks::Words& w) {
        const blocks::D16 d;
        const blocks::DU16 du;
        const uint8_t* qs = b->qs + (g / 2) * 32;
        for (int j = 0; j < 2 * blocks::kHalf; ++j) {
            auto v = blocks::bytes(qs + j * blocks::kWords);
            v = g % 2 == 0 ? hn::And(v, hn::Set(du, uint16_t{0xF})) : hn::ShiftRight<4>(v);
            if constexpr (requires { b->qh; }) {
                const auto bit =
                    hn::And(hn::ShiftRightSame(blocks::bytes(b->qh + j * blocks::kWords), g), hn::Set(du, uint16_t{1}));
                v = hn::Or(v, hn::ShiftLeft<4>(bit));
            }
            w.v[j] = hn::BitCast(d, v);
        }
    }
};
using FormatQ4_K = FormatQ45K<BlockQ4_K>;
using FormatQ5_K = FormatQ45K<BlockQ5_K>;

struct FormatQ6_K {
    using Block = BlockQ6_K;
    static constexpr int kGroups = 8;
    static constexpr bool kOffsets = false, kTwoScales = true;
    static HWY_INLINE void header(const Block* b, blocks::Header& h) {
        const auto d = blocks::half(b->d);
        blocks::scaled(b->scales, d, h.scales);
        blocks::scaled(b->scales + 8, d, h.scales + 8);
    }
    static HWY_INLINE void words(const Block* b, int g, blocks::Words& w) {
        const blocks::D16 d;
        const blocks::DU16 du;
        const int quarter = g % 4;
        const uint8_t* ql = b->ql + (g / 4) * 64 + (quarter % 2) * 32;
        const uint8_t* qh = b->qh + (g / 4) * 32;
        for (int j = 0; j < 2 * blocks::kHalf; ++j) {
            auto low = blocks::bytes(ql + j * blocks::kWords);
            low = quarter < 2 ? hn::And(low, hn::Set(du, uint16_t{0xF})) : hn::ShiftRight<4>(low);
            const auto high = hn::And(hn::ShiftRightSame(blocks::bytes(qh + j * blocks::kWords), 2 * quarter),
                                      hn::Set(du, uint16_t{3}));
            w.v[j] = hn::Sub(hn::BitCast(d, hn::Or(low, hn::ShiftLeft<4>(high))), hn::Set(d, int16_t{32}));
        }
    }
};

/// Sum of products of half a group (first = 0 or kHalf) as eight integers.
HWY_INLINE hn::Vec<blocks::D32> halfDot(const blocks::Words& q, const int16_t* x, int first) {
    const blocks::D16 d16;
    const blocks::D32 d32;
    auto sum = hn::Zero(d32), other = hn::Zero(d32);
#pragma GCC unroll 16
    for (int j = 0; j < blocks::kHalf; ++j)
        sum = hn::ReorderWidenMulAccumulate(d32, q.v[first + j], hn::LoadU(d16, x + (first + j) * blocks::kWords), sum,
                                            other);
    return hn::Add(sum, other);
}

template <class F>
struct Blocks {
    using Block = typename F::Block;
    static constexpr int64_t kValues = 32 * F::kGroups;

    /// sums[b] = row . input (item + b). Two accumulators per item, by the parity of the group.
    template <int B>
    static HWY_INLINE void dot(const uint8_t* w, int64_t cols, const GemvInput& in, int32_t item, float (&sums)[B]) {
        using namespace blocks;
        const DF df;
        hn::Vec<DF> acc[2][B], offset[B];
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) acc[0][b] = acc[1][b] = offset[b] = hn::Zero(df);
        // Copies: the compiler cannot know that the sums do not alias the input's fields.
        Input inputs[B];
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            const size_t base = static_cast<size_t>(item + b) * in.stride;
            inputs[b] = {in.words + base, in.scales32 + base / 32, in.sums32 + base / 32};
        }
        const auto* block = reinterpret_cast<const Block*>(w);
        const int64_t nBlocks = cols / kValues;
        if constexpr (F::kGroups == 1) {
            int64_t i = 0;
            for (; i + 2 <= nBlocks; i += 2) {
                // Every line, though blocks are shorter: with lines left out the hardware prefetcher stops as well.
                __builtin_prefetch(reinterpret_cast<const uint8_t*>(block + i) + 4096, 0, 2);
                __builtin_prefetch(reinterpret_cast<const uint8_t*>(block + i + 1) + 4096, 0, 2);
                smallBlock<B>(block + i, i, inputs, acc[0]);
                smallBlock<B>(block + i + 1, i + 1, inputs, acc[1]);
            }
            if (i < nBlocks) smallBlock<B>(block + i, i, inputs, acc[0]);
        } else {
            for (int64_t i = 0; i < nBlocks; ++i) superBlock<B>(block + i, i, inputs, acc, offset);
        }
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b)
            sums[b] = hn::GetLane(hn::SumOfLanes(df, hn::Add(hn::Add(acc[0][b], acc[1][b]), offset[b])));
    }

  private:
    /// One item's arrays.
    struct Input {
        const int16_t* words;
        const float* scales;
        const float* sums;
    };

    template <int B>
    static HWY_INLINE void smallBlock(const Block* block, int64_t i, const Input (&in)[B],
                                      hn::Vec<blocks::DF> (&acc)[B]) {
        using namespace blocks;
        const DF df;
        Words q;
        F::words(block, 0, q);
        const auto scale = half(block->d);
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            const int16_t* x = in[b].words + i * 32;
            const auto sum = hn::Add(halfDot(q, x, 0), halfDot(q, x, kHalf));
            acc[b] = hn::MulAdd(hn::ConvertTo(df, sum), hn::Mul(scale, hn::Set(df, in[b].scales[i])), acc[b]);
        }
    }

    template <int B>
    static HWY_INLINE void superBlock(const Block* block, int64_t i, const Input (&in)[B],
                                      hn::Vec<blocks::DF> (&acc)[2][B], hn::Vec<blocks::DF> (&offset)[B]) {
        using namespace blocks;
        const DF df;
        for (size_t line = 0; line < sizeof(Block); line += 64)
            __builtin_prefetch(reinterpret_cast<const uint8_t*>(block) + 4096 + line, 0, 2);
        Header h;
        F::header(block, h);
        float scales[B][8];  // of the block and the input together
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            for (int k = 0; k < 8; k += kFloats) {
                const auto xs = hn::LoadU(df, in[b].scales + i * 8 + k);
                if constexpr (F::kTwoScales) hn::StoreU(xs, df, scales[b] + k);
                else hn::StoreU(hn::Mul(hn::LoadU(df, h.scales + k), xs), df, scales[b] + k);
                if constexpr (F::kOffsets)
                    offset[b] =
                        hn::MulAdd(hn::LoadU(df, h.offsets + k), hn::LoadU(df, in[b].sums + i * 8 + k), offset[b]);
            }
        }
#pragma GCC unroll 8
        for (int g = 0; g < 8; ++g) {
            Words q;
            F::words(block, g, q);
#pragma GCC unroll 4
            for (int b = 0; b < B; ++b) {
                const int16_t* x = in[b].words + i * kValues + g * 32;
                auto& sum = acc[g % 2][b];
                const auto factor = hn::Set(df, scales[b][g]);
                if constexpr (F::kTwoScales) {
                    auto t = hn::Mul(hn::ConvertTo(df, halfDot(q, x, 0)), hn::Set(df, h.scales[2 * g]));
                    t = hn::MulAdd(hn::ConvertTo(df, halfDot(q, x, kHalf)), hn::Set(df, h.scales[2 * g + 1]), t);
                    sum = hn::MulAdd(t, factor, sum);
                } else {
                    sum = hn::MulAdd(hn::ConvertTo(df, hn::Add(halfDot(q, x, 0), halfDot(q, x, kHalf))), factor, sum);
                }
            }
        }
    }
};

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
