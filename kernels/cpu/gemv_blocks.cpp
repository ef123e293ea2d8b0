// Rows in blocks, and inputs rounded for them; the idea is in gemv_blocks-inl.h.
#include <algorithm>

#include "kernels/cpu/gemv_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemv_blocks.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/gemv_blocks-inl.h"
#include "kernels/cpu/gemv_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {

/// Rows outside, items inside: a row stays in the first-level cache while items take turns.
template <class Format>
void blockRows(const RowJob& job, int64_t begin, int64_t end) {
    const size_t stride = rowBytes(job.w->dtype, job.w->cols);
    for (int64_t row = begin; row < end; ++row) {
        const uint8_t* w = static_cast<const uint8_t*>(job.w->data) + static_cast<size_t>(row) * stride;
        const auto tile = [&]<int B>(int32_t item) HWY_ATTR {
            float sums[B];
            Blocks<Format>::template dot<B>(w, job.w->cols, *job.in, item, sums);
            for (int b = 0; b < B; ++b) put(job, row, item + b, sums[b]);
        };
        int32_t item = 0;
        for (; item + 4 <= job.in->nItems; item += 4) tile.template operator()<4>(item);
        for (; item < job.in->nItems; ++item) tile.template operator()<1>(item);
    }
}

void gemvBlockRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
                   float* out, size_t outStride) {
    const RowJob job{&w, &in, bias, mode, out, outStride};
    switch (w.dtype) {
        case DType::Q8_0: return blockRows<FormatQ8_0>(job, begin, end);
        case DType::Q4_0: return blockRows<FormatQ4_0>(job, begin, end);
        case DType::Q4_1: return blockRows<FormatQ4_1>(job, begin, end);
        case DType::Q5_0: return blockRows<FormatQ5_0>(job, begin, end);
        case DType::Q5_1: return blockRows<FormatQ5_1>(job, begin, end);
        case DType::IQ4_NL: return blockRows<FormatIQ4_NL>(job, begin, end);
        case DType::Q2_K: return blockRows<FormatQ2_K>(job, begin, end);
        case DType::Q3_K: return blockRows<FormatQ3_K>(job, begin, end);
        case DType::Q4_K: return blockRows<FormatQ4_K>(job, begin, end);
        case DType::Q5_K: return blockRows<FormatQ5_K>(job, begin, end);
        case DType::Q6_K: return blockRows<FormatQ6_K>(job, begin, end);
        case DType::IQ4_XS: return blockRows<FormatIQ4_XS>(job, begin, end);
        default: return;
    }
}

void quantizeInput(const float* x, size_t n, int16_t* words, float* scales, float* sums) {
    const hn::CappedTag<float, 16> d;
    const hn::Rebind<int16_t, decltype(d)> d16;
    const size_t lanes = hn::Lanes(d);
    for (size_t g = 0; g < n / 32; ++g, x += 32, words += 32) {
        auto largest = hn::Zero(d), sum = hn::Zero(d);
        for (size_t i = 0; i < 32; i += lanes) {
            const auto v = hn::LoadU(d, x + i);
            largest = hn::Max(largest, hn::Abs(v));
            sum = hn::Add(sum, v);
        }
        const float top = hn::GetLane(hn::MaxOfLanes(d, largest));
        scales[g] = top / 32767.0f;
        sums[g] = hn::GetLane(hn::SumOfLanes(d, sum));
        const auto factor = hn::Set(d, top > 0 ? 32767.0f / top : 0.0f);
        for (size_t i = 0; i < 32; i += lanes)
            hn::StoreU(hn::DemoteTo(d16, hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), factor))), d16, words + i);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(gemvBlockRows);
HWY_EXPORT(quantizeInput);

void gemvBlockRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
                   float* out, size_t outStride) {
    HWY_DYNAMIC_DISPATCH(gemvBlockRows)(w, begin, end, in, bias, mode, out, outStride);
}
void quantizeInput(const float* x, size_t n, int16_t* words, float* scales, float* sums) {
    HWY_DYNAMIC_DISPATCH(quantizeInput)(x, n, words, scales, sums);
}

}  // namespace spanscope::cpu
#endif
