// The block formats as small integers and what they are multiplied with: groups of 32 values as they are loaded,
// without a copy of the row. Included once per instruction set.
#include "kernels/quant_blocks.h"

#if defined(SPANSCOPE_GEMV_FORMATS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_GEMV_FORMATS_INL_H
#undef SPANSCOPE_GEMV_FORMATS_INL_H
#else
#define SPANSCOPE_GEMV_FORMATS_INL_H
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

/// What a block says besides its quants: a scale and an offset for every 32 values, or for every 16 (kTwoScales).
/// value = scale * quant + offset.
struct Header {
    float scales[16];
    float offsets[16];
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

/// 32 nibbles in 16 bytes, through a function of vectors of bytes to vectors of words.
template <class F>
HWY_INLINE void nibbles(const uint8_t* qs, Words& w, F toWords) {
    const hn::Rebind<uint8_t, D16> d8;
    for (int j = 0; j < kHalf; ++j) {
        const auto v = hn::LoadU(d8, qs + j * kWords);
        w.v[j] = toWords(hn::And(v, hn::Set(d8, uint8_t{0xF})));
        w.v[kHalf + j] = toWords(hn::ShiftRight<4>(v));
    }
}

HWY_INLINE void nonLinearNibbles(const uint8_t* qs, Words& w) {
#if HWY_TARGET == HWY_SCALAR
    for (int i = 0; i < 32; ++i) w.v[i] = hn::Set(D16(), int16_t{kNonLinear4[i < 16 ? qs[i] & 0xF : qs[i - 16] >> 4]});
#else
    const hn::FixedTag<int8_t, 16> dTable;
    const hn::Rebind<int8_t, D16> d8;
    const auto table = hn::LoadU(dTable, kNonLinear4);
    nibbles(qs, w,
            [&](auto v) HWY_ATTR { return hn::PromoteTo(D16(), hn::TableLookupBytes(table, hn::BitCast(d8, v))); });
#endif
}

/// `value` where bit i of `bits`, of 32, is set for value i.
HWY_INLINE void addWhereSet(const uint8_t* bits, int16_t value, Words& w) {
    alignas(32) static constexpr uint16_t kBit[16] = {1,       1 << 1,  1 << 2,  1 << 3, 1 << 4,  1 << 5,
                                                      1 << 6,  1 << 7,  1 << 8,  1 << 9, 1 << 10, 1 << 11,
                                                      1 << 12, 1 << 13, 1 << 14, 1 << 15};
    const D16 d;
    const DU16 du;
    uint32_t all = 0;
    __builtin_memcpy(&all, bits, 4);
    const auto own = hn::Load(du, kBit);
    for (int j = 0; j < 2 * kHalf; ++j) {
        const auto set = hn::Eq(hn::And(hn::Set(du, static_cast<uint16_t>(all >> (j * kWords))), own), own);
        w.v[j] = hn::Add(w.v[j], hn::BitCast(d, hn::IfThenElseZero(set, hn::Set(du, static_cast<uint16_t>(value)))));
    }
}

/// Bits `shift` and `shift` + 1 of 32 bytes.
HWY_INLINE void twoBits(const uint8_t* qs, int shift, Words& w) {
    const DU16 du;
    for (int j = 0; j < 2 * kHalf; ++j)
        w.v[j] =
            hn::BitCast(D16(), hn::And(hn::ShiftRightSame(bytes(qs + j * kWords), shift), hn::Set(du, uint16_t{3})));
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

/// Q4_0, Q4_1, Q5_0 and Q5_1.
template <class B, int kExcess>
struct FormatNibbles {
    using Block = B;
    static constexpr int kGroups = 1;
    static constexpr bool kOffsets = requires(Block b) { b.m; }
    , kTwoScales = false;
    static HWY_INLINE void words(const Block* b, int, blocks::Words& w) {
        const blocks::D16 d;
        blocks::nibbles(b->qs, w, [&](auto v) HWY_ATTR {
            const auto quant = hn::PromoteTo(d, v);
            return kExcess == 0 ? quant : hn::Sub(quant, hn::Set(d, int16_t{kExcess}));
        });
        if constexpr (requires { b->qh; }) blocks::addWhereSet(b->qh, 16, w);
    }
};
using FormatQ4_0 = FormatNibbles<BlockQ4_0, 8>;
using FormatQ4_1 = FormatNibbles<BlockQ4_1, 0>;
using FormatQ5_0 = FormatNibbles<BlockQ5_0, 16>;
using FormatQ5_1 = FormatNibbles<BlockQ5_1, 0>;

struct FormatIQ4_NL {
    using Block = BlockIQ4_NL;
    static constexpr int kGroups = 1;
    static constexpr bool kOffsets = false, kTwoScales = false;
    static HWY_INLINE void words(const Block* b, int, blocks::Words& w) { blocks::nonLinearNibbles(b->qs, w); }
};

struct FormatIQ4_XS {
    using Block = BlockIQ4_XS;
    static constexpr int kGroups = 8;
    static constexpr bool kOffsets = false, kTwoScales = false;
    static HWY_INLINE void header(const Block* b, blocks::Header& h) {
        int8_t scales[8];
        for (int g = 0; g < 8; ++g) scales[g] = static_cast<int8_t>(scaleIQ4(g, *b) - 32);
        blocks::scaled(scales, blocks::half(b->d), h.scales);
    }
    static HWY_INLINE void words(const Block* b, int g, blocks::Words& w) {
        blocks::nonLinearNibbles(b->qs + 16 * g, w);
    }
};

struct FormatQ2_K {
    using Block = BlockQ2_K;
    static constexpr int kGroups = 8;
    static constexpr bool kOffsets = true, kTwoScales = true;
    static HWY_INLINE void header(const Block* b, blocks::Header& h) {
        uint8_t scales[16], mins[16];
        for (int i = 0; i < 16; ++i) scales[i] = b->scales[i] & 0xF, mins[i] = b->scales[i] >> 4;
        const auto d = blocks::half(b->d), dmin = hn::Neg(blocks::half(b->dmin));
        for (int i = 0; i < 16; i += 8) {
            blocks::scaled(scales + i, d, h.scales + i);
            blocks::scaled(mins + i, dmin, h.offsets + i);
        }
    }
    static HWY_INLINE void words(const Block* b, int g, blocks::Words& w) {
        blocks::twoBits(b->qs + g / 4 * 32, 2 * (g % 4), w);
    }
};

struct FormatQ3_K {
    using Block = BlockQ3_K;
    static constexpr int kGroups = 8;
    static constexpr bool kOffsets = false, kTwoScales = true;
    static HWY_INLINE void header(const Block* b, blocks::Header& h) {
        uint32_t low[2], high = 0;
        __builtin_memcpy(low, b->scales, 8);
        __builtin_memcpy(&high, b->scales + 8, 4);
        int8_t scales[16];
        for (int i = 0; i < 4; ++i) {
            const uint32_t four = ((low[i % 2] >> (i / 2 * 4)) & 0x0f0f0f0fu) | ((high >> (2 * i)) & 0x03030303u) << 4;
            __builtin_memcpy(scales + 4 * i, &four, 4);
        }
        for (int8_t& scale : scales) scale = static_cast<int8_t>(scale - 32);
        const auto d = blocks::half(b->d);
        blocks::scaled(scales, d, h.scales);
        blocks::scaled(scales + 8, d, h.scales + 8);
    }
    static HWY_INLINE void words(const Block* b, int g, blocks::Words& w) {
        const blocks::D16 d;
        const blocks::DU16 du;
        blocks::twoBits(b->qs + g / 4 * 32, 2 * (g % 4), w);
        for (int j = 0; j < 2 * blocks::kHalf; ++j) {
            const auto bit =
                hn::And(hn::ShiftRightSame(blocks::bytes(b->hmask + j * blocks::kWords), g), hn::Set(du, uint16_t{1}));
            w.v[j] = hn::Sub(hn::Or(w.v[j], hn::BitCast(d, hn::ShiftLeft<2>(bit))), hn::Set(d, int16_t{4}));
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

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
