// Where a row's sums go. Included once per instruction set.
#include "kernels/cpu/gemv.h"

#if defined(SPANSCOPE_GEMV_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_GEMV_ROWS_INL_H
#undef SPANSCOPE_GEMV_ROWS_INL_H
#else
#define SPANSCOPE_GEMV_ROWS_INL_H
#endif

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

HWY_INLINE void put(const RowJob& job, int64_t row, int32_t item, float sum) {
    float* y = job.out + static_cast<size_t>(item) * job.outStride + row;
    const float v = sum + (job.bias ? job.bias[row] : 0.0f);
    *y = job.mode == Output::Add ? *y + v : v;
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
