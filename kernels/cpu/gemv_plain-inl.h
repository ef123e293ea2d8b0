// Dot products with F32, F16 and BF16 rows. Included once per instruction set.
#include <hwy/cache_control.h>

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
    static HWY_INLINE void load(const uint8_t* row, int64_t i, VF& a, VF& b) {
        const DF df;
        const float* p = reinterpret_cast<const float*>(row) + i;
        a = hn::LoadU(df, p);
        b = hn::LoadU(df, p + kLanes);
    }
    static HWY_INLINE void input(const GemvInput& in, size_t at, const float*& a, const float*& b, int64_t& step) {
        a = in.x + at;
        b = in.x + at + kLanes;
        step = 2 * kLanes;
    }
    static float one(const uint8_t* row, int64_t i) {
        float v = 0;
        __builtin_memcpy(&v, row + 4 * i, 4);
        return v;
    }
};

struct PlainF16 : PlainF32 {
    static constexpr size_t kBytes = 2;
    static HWY_INLINE void load(const uint8_t* row, int64_t i, VF& a, VF& b) {
        const DF df;
        const hn::Rebind<hwy::float16_t, DF> dh;
        const auto* p = reinterpret_cast<const hwy::float16_t*>(row) + i;
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
    static HWY_INLINE void load(const uint8_t* row, int64_t i, VF& a, VF& b) {
        const DF df;
        const hn::RebindToUnsigned<DF> du;
        const auto pairs = hn::LoadU(du, reinterpret_cast<const uint32_t*>(row) + i / 2);
        a = hn::BitCast(df, hn::ShiftLeft<16>(pairs));
        b = hn::BitCast(df, hn::And(pairs, hn::Set(du, 0xffff0000u)));
    }
    static HWY_INLINE void input(const GemvInput& in, size_t at, const float*& a, const float*& b, int64_t& step) {
        a = in.even + at;
        b = in.odd + at;
        step = kLanes;
    }
    static float one(const uint8_t* row, int64_t i) {
        uint16_t v = 0;
        __builtin_memcpy(&v, row + 2 * i, 2);
        return bf16ToFloat(v);
    }
};

template <class F>
struct Plain {
    /// sums[r][b] = row r . input (item + b). Two accumulators per pair, whatever R and B are.
    template <int R, int B>
    static HWY_INLINE void dot(const uint8_t* w, size_t stride, int64_t cols, const GemvInput& in, int32_t item,
                               float (&sums)[R][B]) {
        const DF df;
        VF accA[R][B], accB[R][B];
        const float* xa[B];
        const float* xb[B];
        int64_t step = 0;
        for (int b = 0; b < B; ++b) {
            F::input(in, static_cast<size_t>(item + b) * in.stride, xa[b], xb[b], step);
            for (int r = 0; r < R; ++r) accA[r][b] = accB[r][b] = hn::Zero(df);
        }
        int64_t i = 0;
        for (; i + 2 * kLanes <= cols; i += 2 * kLanes) {
            for (int r = 0; r < R; ++r) {
                VF wa, wb;
                const uint8_t* row = w + static_cast<size_t>(r) * stride;
                hwy::Prefetch(row + static_cast<size_t>(i) * F::kBytes + 1024);
                F::load(row, i, wa, wb);
                for (int b = 0; b < B; ++b) {
                    accA[r][b] = hn::MulAdd(wa, hn::LoadU(df, xa[b]), accA[r][b]);
                    accB[r][b] = hn::MulAdd(wb, hn::LoadU(df, xb[b]), accB[r][b]);
                }
            }
            for (int b = 0; b < B; ++b) {
                xa[b] += step;
                xb[b] += step;
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
