// Idea: two or four rows at a time against the same piece of x, so that x is loaded once for them and enough
// additions are in flight; several tokens share each widened weight.
#include "kernels/cpu/gemv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemv.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/gemv_blocks-inl.h"
#include "kernels/cpu/gemv_plain-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {

struct RowJob {
    const TensorView* w;
    const GemvInput* in;
    const float* bias;
    Output mode;
    float* out;
    size_t outStride;
};

template <int R, int B>
void finish(const RowJob& job, int64_t row, int32_t item, const float (&sums)[R][B]) {
    for (int r = 0; r < R; ++r) {
        for (int b = 0; b < B; ++b) {
            float* y = job.out + static_cast<size_t>(item + b) * job.outStride + row + r;
            const float v = sums[r][b] + (job.bias ? job.bias[row + r] : 0.0f);
            *y = job.mode == Output::Add ? *y + v : v;
        }
    }
}

template <class Format, int R, int B>
void tile(const RowJob& job, int64_t row, int32_t item) {
    float sums[R][B];
    const size_t stride = rowBytes(job.w->dtype, job.w->cols);
    Format::template dot<R, B>(static_cast<const uint8_t*>(job.w->data) + static_cast<size_t>(row) * stride, stride,
                               job.w->cols, *job.in, item, sums);
    finish<R, B>(job, row, item, sums);
}

/// Rows outside, items inside: the rows of a step stay in the first-level cache while items take turns.
template <class Format>
void rows(const RowJob& job, int64_t begin, int64_t end) {
    const int32_t n = job.in->nItems;
    int64_t row = begin;
    const auto step = [&]<int R>(int64_t at) {
        int32_t item = 0;
        for (; item + 4 <= n && R <= 2; item += 4) tile<Format, R, 4>(job, at, item);
        for (; item + 2 <= n && R <= 2; item += 2) tile<Format, R, 2>(job, at, item);
        for (; item < n; ++item) tile<Format, R, 1>(job, at, item);
    };
    if (n == 1)
        for (; row + 4 <= end; row += 4) step.template operator()<4>(row);
    for (; row + 2 <= end; row += 2) step.template operator()<2>(row);
    for (; row < end; ++row) step.template operator()<1>(row);
}

void gemvRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride) {
    const RowJob job{&w, &in, bias, mode, out, outStride};
    switch (w.dtype) {
        case DType::F32: return rows<Plain<PlainF32>>(job, begin, end);
        case DType::F16: return rows<Plain<PlainF16>>(job, begin, end);
        case DType::BF16: return rows<Plain<PlainBf16>>(job, begin, end);
        case DType::Q8_0: return rows<Blocks<GroupQ8_0>>(job, begin, end);
        case DType::Q4_0: return rows<Blocks<GroupQ4_0>>(job, begin, end);
        case DType::Q4_K: return rows<Blocks<GroupQ4_K>>(job, begin, end);
        case DType::Q5_K: return rows<Blocks<GroupQ5_K>>(job, begin, end);
        case DType::Q6_K: return rows<Blocks<GroupQ6_K>>(job, begin, end);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(gemvRows);

void gemvRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride) {
    HWY_DYNAMIC_DISPATCH(gemvRows)(w, begin, end, in, bias, mode, out, outStride);
}

GemvInputBuffer::GemvInputBuffer(int64_t maxCols, int32_t maxItems)
    : m_stride((static_cast<size_t>(maxCols) + 31) / 16 * 16),
      m_x(m_stride * static_cast<size_t>(maxItems)),
      m_even(m_x.size()),
      m_odd(m_x.size()),
      m_sums(m_x.size()) {}

GemvInput GemvInputBuffer::prepare(int64_t cols, int32_t nItems, uint32_t formats) {
    const auto n = static_cast<size_t>(cols);
    for (size_t item = 0; item < static_cast<size_t>(nItems); ++item) {
        const float* x = m_x.data() + item * m_stride;
        if (formats & formatBit(DType::BF16)) {
            float* even = m_even.data() + item * m_stride;
            float* odd = m_odd.data() + item * m_stride;
            for (size_t i = 0; i < n / 2; ++i) {
                even[i] = x[2 * i];
                odd[i] = x[2 * i + 1];
            }
        }
        if (formats & (formatBit(DType::Q4_0) | formatBit(DType::Q4_K) | formatBit(DType::Q5_K))) {
            float* sums = m_sums.data() + item * m_stride;
            for (size_t g = 0; g < n / 32; ++g) {
                float s = 0;
                for (size_t i = 0; i < 32; ++i) s += x[32 * g + i];
                sums[g] = s;
            }
        }
    }
    return {m_x.data(), m_even.data(), m_odd.data(), m_sums.data(), m_stride, nItems};
}

}  // namespace spanscope::cpu
#endif
