// Dot products with the block formats, used as they lie: a group of 32 values is widened in registers, scaled
// once per group, and the constant part of a format (nibble - 8, mins) is one product with the sum of the 32
// inputs. Included once per instruction set.
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

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
inline constexpr int kL = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
inline constexpr int kHalf = 16 / kL;  ///< vectors in half a group
using DI = hn::RebindToSigned<D>;
using VI = hn::Vec<DI>;

HWY_INLINE float half(uint16_t v) {
    // One conversion per block; the vector unit has it in hardware where f16 weights run at all.
    const hn::CappedTag<float, 1> d1;
    const hn::Rebind<hwy::float16_t, hn::CappedTag<float, 1>> dh;
    hwy::float16_t h;
    __builtin_memcpy(&h, &v, 2);
    return hn::GetLane(hn::PromoteTo(d1, hn::LoadU(dh, &h)));
}

HWY_INLINE VI bytes(const uint8_t* p) {
    const hn::Rebind<uint8_t, D> d8;
    return hn::PromoteTo(DI(), hn::LoadU(d8, p));
}

}  // namespace blocks

/// A format fills 32 values as integers in float (low 16, high 16), their scales, and the factor of sum32.
struct Group {
    blocks::V low[blocks::kHalf], high[blocks::kHalf];
    float scaleLow = 0, scaleHigh = 0, offset = 0;
};

struct GroupQ8_0 {
    static constexpr bool kOffset = false;
    static constexpr bool kTwoScales = false;
    static HWY_INLINE void load(const uint8_t* row, int64_t g, Group& out) {
        const blocks::D d;
        const hn::Rebind<int8_t, blocks::D> d8;
        const auto* b = reinterpret_cast<const BlockQ8_0*>(row) + g;
        for (int j = 0; j < blocks::kHalf; ++j) {
            out.low[j] = hn::ConvertTo(d, hn::PromoteTo(blocks::DI(), hn::LoadU(d8, b->qs + j * blocks::kL)));
            out.high[j] = hn::ConvertTo(d, hn::PromoteTo(blocks::DI(), hn::LoadU(d8, b->qs + 16 + j * blocks::kL)));
        }
        out.scaleLow = blocks::half(b->d);
    }
};

struct GroupQ4_0 {
    static constexpr bool kOffset = true;
    static constexpr bool kTwoScales = false;
    static HWY_INLINE void load(const uint8_t* row, int64_t g, Group& out) {
        const blocks::D d;
        const blocks::DI di;
        const auto* b = reinterpret_cast<const BlockQ4_0*>(row) + g;
        for (int j = 0; j < blocks::kHalf; ++j) {
            const auto v = blocks::bytes(b->qs + j * blocks::kL);
            out.low[j] = hn::ConvertTo(d, hn::And(v, hn::Set(di, 0xF)));
            out.high[j] = hn::ConvertTo(d, hn::ShiftRight<4>(v));
        }
        out.scaleLow = blocks::half(b->d);
        out.offset = -8.0f * out.scaleLow;
    }
};

/// Q4_K and Q5_K.
template <class Block>
struct GroupQ45K {
    static constexpr bool kOffset = true;
    static constexpr bool kTwoScales = false;
    static HWY_INLINE void load(const uint8_t* row, int64_t g, Group& out) {
        const blocks::D d;
        const blocks::DI di;
        const auto* b = reinterpret_cast<const Block*>(row) + g / 8;
        const int in = static_cast<int>(g % 8);
        const uint8_t* qs = b->qs + (in / 2) * 32;
        for (int h = 0; h < 2; ++h) {
            for (int j = 0; j < blocks::kHalf; ++j) {
                const int at = h * 16 + j * blocks::kL;
                auto v = blocks::bytes(qs + at);
                v = in % 2 == 0 ? hn::And(v, hn::Set(di, 0xF)) : hn::ShiftRight<4>(v);
                if constexpr (requires { b->qh; }) {
                    const auto bit = hn::And(hn::ShiftRightSame(blocks::bytes(b->qh + at), in), hn::Set(di, 1));
                    v = hn::Or(v, hn::ShiftLeft<4>(bit));
                }
                (h == 0 ? out.low : out.high)[j] = hn::ConvertTo(d, v);
            }
        }
        uint8_t scale = 0, min = 0;
        scaleMinK4(in, b->scales, scale, min);
        out.scaleLow = blocks::half(b->d) * static_cast<float>(scale);
        out.offset = -blocks::half(b->dmin) * static_cast<float>(min);
    }
};
using GroupQ4_K = GroupQ45K<BlockQ4_K>;
using GroupQ5_K = GroupQ45K<BlockQ5_K>;

struct GroupQ6_K {
    static constexpr bool kOffset = false;
    static constexpr bool kTwoScales = true;
    static HWY_INLINE void load(const uint8_t* row, int64_t g, Group& out) {
        const blocks::D d;
        const blocks::DI di;
        const auto* b = reinterpret_cast<const BlockQ6_K*>(row) + g / 8;
        const int half = static_cast<int>(g % 8) / 4, quarter = static_cast<int>(g % 4);
        const uint8_t* ql = b->ql + half * 64 + (quarter % 2) * 32;
        const uint8_t* qh = b->qh + half * 32;
        for (int h = 0; h < 2; ++h) {
            for (int j = 0; j < blocks::kHalf; ++j) {
                const int at = h * 16 + j * blocks::kL;
                auto low = blocks::bytes(ql + at);
                low = quarter < 2 ? hn::And(low, hn::Set(di, 0xF)) : hn::ShiftRight<4>(low);
                const auto high = hn::And(hn::ShiftRightSame(blocks::bytes(qh + at), 2 * quarter), hn::Set(di, 3));
                const auto v = hn::Sub(hn::Or(low, hn::ShiftLeft<4>(high)), hn::Set(di, 32));
                (h == 0 ? out.low : out.high)[j] = hn::ConvertTo(d, v);
            }
        }
        const float scale = blocks::half(b->d);
        const int8_t* scales = b->scales + (g % 8) * 2;
        out.scaleLow = scale * static_cast<float>(scales[0]);
        out.scaleHigh = scale * static_cast<float>(scales[1]);
    }
};

template <class F>
struct Blocks {
    template <int R, int B>
    static HWY_INLINE void dot(const uint8_t* w, size_t stride, int64_t cols, const GemvInput& in, int32_t item,
                               float (&sums)[R][B]) {
        using namespace blocks;
        const D d;
        V acc[R][B];
        float offsets[R][B] = {};
        for (int r = 0; r < R; ++r)
            for (int b = 0; b < B; ++b) acc[r][b] = hn::Zero(d);
        for (int64_t g = 0; g < cols / 32; ++g) {
            for (int r = 0; r < R; ++r) {
                const uint8_t* row = w + static_cast<size_t>(r) * stride;
                Group q{};
                F::load(row, g, q);
                for (int b = 0; b < B; ++b) {
                    const size_t base = static_cast<size_t>(item + b) * in.stride;
                    const float* x = in.x + base + g * 32;
                    V low = hn::Mul(q.low[0], hn::LoadU(d, x));
                    for (int j = 1; j < kHalf; ++j) low = hn::MulAdd(q.low[j], hn::LoadU(d, x + j * kL), low);
                    if constexpr (F::kTwoScales) {
                        V high = hn::Mul(q.high[0], hn::LoadU(d, x + 16));
                        for (int j = 1; j < kHalf; ++j) high = hn::MulAdd(q.high[j], hn::LoadU(d, x + 16 + j * kL), high);
                        acc[r][b] = hn::MulAdd(high, hn::Set(d, q.scaleHigh), acc[r][b]);
                    } else {
                        for (int j = 0; j < kHalf; ++j) low = hn::MulAdd(q.high[j], hn::LoadU(d, x + 16 + j * kL), low);
                    }
                    acc[r][b] = hn::MulAdd(low, hn::Set(d, q.scaleLow), acc[r][b]);
                    if constexpr (F::kOffset) offsets[r][b] += q.offset * in.sums32[base + static_cast<size_t>(g)];
                }
            }
        }
        for (int r = 0; r < R; ++r)
            for (int b = 0; b < B; ++b) sums[r][b] = hn::GetLane(hn::SumOfLanes(d, acc[r][b])) + offsets[r][b];
    }
};

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
