// F32, F16 and BF16 rows. Idea: as many additions in flight as the multiply-add units want, and as few memory streams
// as possible; several tokens share each widened weight.
#include <algorithm>

#include "kernels/cpu/gemv_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemv_plain.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/gemv_plain-inl.h"
#include "kernels/cpu/gemv_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {

template <class Format, int R, int B>
void plainTile(const RowJob& job, size_t stride, int64_t row, int32_t item) {
    float sums[R][B];
    const uint8_t* w = static_cast<const uint8_t*>(job.w->data) + static_cast<size_t>(row) * stride;
    Plain<Format>::template dot<R, B>(w, stride, job.w->cols, *job.in, item, sums);
    for (int r = 0; r < R; ++r)
        for (int b = 0; b < B; ++b) put(job, row + r, item + b, sums[r][b]);
}

template <class Format>
void plainRows(const RowJob& job, int64_t begin, int64_t end) {
    const size_t stride = rowBytes(job.w->dtype, job.w->cols);
    const int32_t n = job.in->nItems;
    // One token: short rows one at a time, which is one memory stream. Rows that overflow the first-level cache
    // together with x eight at a time, which share each load of x; the next eight are prefetched meanwhile as one
    // stream, in the order of memory. Several tokens: two rows at a time. One core of an EPYC 9004, BF16, percent of
    // its read bandwidth. Rows of 2,048: one at a time 92, eight 88. Rows of 5,632: eight 82 to 86, four 79, one 52
    // (prefetching 8 KB ahead 73), columns in two halves with the sums kept 71. Two threads: 89 to 99, and 81 to 95
    // where each of the eight rows prefetched its own place in the next eight.
    constexpr int kWide = HWY_TARGET <= HWY_AVX3 ? 8 : 4;  // registers
    constexpr size_t kTogether = 20 << 10;                 // bytes of a row and its x
    if (n == 1 && stride + static_cast<size_t>(job.w->cols) * sizeof(float) <= kTogether) {
        for (int64_t row = begin; row < end; ++row) plainTile<Format, 1, 1>(job, stride, row, 0);
        return;
    }
    int64_t row = begin;
    for (; row + kWide <= end; row += kWide) {
        int32_t item = 0;
        for (; item + 4 <= n; item += 4)
            for (int64_t r = row; r < row + kWide; r += 2) plainTile<Format, 2, 4>(job, stride, r, item);
        for (; item < n; ++item) plainTile<Format, kWide, 1>(job, stride, row, item);
    }
    for (; row < end; ++row)
        for (int32_t item = 0; item < n; ++item) plainTile<Format, 1, 1>(job, stride, row, item);
}

void gemvPlainRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
                   float* out, size_t outStride) {
    const RowJob job{&w, &in, bias, mode, out, outStride};
    if (w.dtype == DType::F16) plainRows<PlainF16>(job, begin, end);
    else if (w.dtype == DType::BF16) plainRows<PlainBf16>(job, begin, end);
    else plainRows<PlainF32>(job, begin, end);
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(gemvPlainRows);

void gemvPlainRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
                   float* out, size_t outStride) {
    HWY_DYNAMIC_DISPATCH(gemvPlainRows)(w, begin, end, in, bias, mode, out, outStride);
}

}  // namespace spanscope::cpu
#endif
