// Dot products with F32, F16 and BF16 rows. Included once per instruction set.

#include "kernels/cpu/gemv.h"
#include "kernels/half.h"

#if defined(SPANSCOPE_GEMV_PLAIN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_GEMV_PLAIN_INL_H
#undef SPANSCOPE_GEMV_PLAIN_INL_H
#else
#define SPANSCOPE_GEMV_PLAIN_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;
inline constexpr int64_t kLanes = HWY_LANES(float);

/// A format turns 2 * kLanes stored values into two vectors, and says where the matching x lie.
struct PlainF32 {
    static constexpr size_t kBytes = 4;
    static HWY_INLINE void load(const uint8_t* at, VF& a, VF& b) {
        const DF df;
        const float* p = reinterpret_cast<const float*>(at);
        a = hn::LoadU(df, p);
        b = hn::LoadU(df, p + kLanes);
    }
    static constexpr bool kSplit = false;  ///< x in its own order
    static float one(const uint8_t* row, int64_t i) {
        float v = 0;
        __builtin_memcpy(&v, row + 4 * i, 4);
        return v;
    }
};

struct PlainF16 : PlainF32 {
    static constexpr size_t kBytes = 2;
    static HWY_INLINE void load(const uint8_t* at, VF& a, VF& b) {
        const DF df;
        const hn::Rebind<hwy::float16_t, DF> dh;
        const auto* p = reinterpret_cast<const hwy::float16_t*>(at);
        a = hn::PromoteTo(df, hn::LoadU(dh, p));
        b = hn::PromoteTo(df, hn::LoadU(dh, p + kLanes));
    }
    static float one(const uint8_t* row, int64_t i) {
        uint16_t v = 0;
        __builtin_memcpy(&v, row + 2 * i, 2);
        return f16ToFloat(v);
    }
};

struct PlainBf16 {
    static constexpr size_t kBytes = 2;
    static HWY_INLINE void load(const uint8_t* at, VF& a, VF& b) {
        const DF df;
        const hn::RebindToUnsigned<DF> du;
        const auto pairs = hn::LoadU(du, reinterpret_cast<const uint32_t*>(at));
        a = hn::BitCast(df, hn::ShiftLeft<16>(pairs));
        b = hn::BitCast(df, hn::And(pairs, hn::Set(du, 0xffff0000u)));
    }
    static constexpr bool kSplit = true;  ///< x as even and odd values
    static float one(const uint8_t* row, int64_t i) {
        uint16_t v = 0;
        __builtin_memcpy(&v, row + 2 * i, 2);
        return bf16ToFloat(v);
    }
};

template <class F>
struct Plain {
    /// sums[r][b] = row r . input (item + b), always in two accumulators, so that R and B do not change a sum.
    template <int R, int B>
    static HWY_INLINE void dot(const uint8_t* w, size_t stride, int64_t cols, const GemvInput& in, int32_t item,
                               float (&sums)[R][B]) {
        const DF df;
        constexpr int64_t kStep = 2 * kLanes;
        VF accA[R][B], accB[R][B];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
            for (int b = 0; b < B; ++b) accA[r][b] = accB[r][b] = hn::Zero(df);
        const float* xa = (F::kSplit ? in.even : in.x) + static_cast<size_t>(item) * in.stride;
        const float* xb = F::kSplit ? in.odd + static_cast<size_t>(item) * in.stride : xa + kLanes;
        int64_t i = 0;
        for (; i + kStep <= cols; i += kStep) {
            const int64_t x = F::kSplit ? i / 2 : i;
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                VF wa, wb;
                const uint8_t* at = w + static_cast<size_t>(r) * stride + static_cast<size_t>(i) * F::kBytes;
                if constexpr (R > 1) {
                    // Prefetch: the next rows to the second level, in the order of memory and so as one stream; what
                    // comes soon to the first, as non-temporal, so that x stays there.
                    constexpr size_t kStepBytes = static_cast<size_t>(kStep) * F::kBytes;
                    const uint8_t* next = w + R * stride + static_cast<size_t>(i) * F::kBytes * R + r * kStepBytes;
                    for (size_t line = 0; line < kStepBytes; line += 64) {
                        __builtin_prefetch(next + line, 0, 2);
                        __builtin_prefetch(at + 256 + line, 0, 0);
                    }
                }
                F::load(at, wa, wb);
#pragma GCC unroll 4
                for (int b = 0; b < B; ++b) {
                    const size_t other = static_cast<size_t>(b) * in.stride;
                    accA[r][b] = hn::MulAdd(wa, hn::LoadU(df, xa + other + x), accA[r][b]);
                    accB[r][b] = hn::MulAdd(wb, hn::LoadU(df, xb + other + x), accB[r][b]);
                }
            }
        }
        for (int r = 0; r < R; ++r) {
            for (int b = 0; b < B; ++b) {
                float s = hn::GetLane(hn::SumOfLanes(df, hn::Add(accA[r][b], accB[r][b])));
                const float* x = in.x + static_cast<size_t>(item + b) * in.stride;
                for (int64_t j = i; j < cols; ++j) s += F::one(w + static_cast<size_t>(r) * stride, j) * x[j];
                sums[r][b] = s;
            }
        }
    }
};

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
