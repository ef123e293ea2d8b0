// Idea: six rows by four vectors of tokens stay in registers while the depth runs; per step four loads and six
// broadcasts feed 24 multiply-adds. Rows are widened to float once per task into the thread's own scratch.
// Tried and dropped: packing weights into column panels (costs a transpose per weight and prefill), dot products
// along the depth (needs no panels, but a horizontal sum per result: 10-20% at depth 256).
#include "kernels/cpu/gemm.h"

#include <algorithm>

#include "kernels/cpu/widen.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kRows = 6;
/// Vectors of tokens in registers: 32 registers hold 6 x 4 sums, 16 hold 6 x 2.
constexpr int kVectors = kLanes >= 16 ? 4 : 2;

struct Block {
    const float* w;  ///< (rows, depth), stride wStride
    size_t wStride;
    const float* x;  ///< (depth, 64) + first column
    int64_t depth;
    const float* bias;  ///< (rows) or nullptr; first depth block only
    bool addToOut;      ///< later depth blocks, and Output::Add
    float* out;         ///< (rows, 64) + first column
};

template <int R, int N>
HWY_INLINE void kernel(const Block& b) {
    const D d;
    V acc[R][N];
    for (int r = 0; r < R; ++r) {
        const V start = hn::Set(d, b.bias ? b.bias[r] : 0.0f);
        for (int n = 0; n < N; ++n)
            acc[r][n] = b.addToOut ? hn::Add(start, hn::LoadU(d, b.out + r * kPanelTokens + n * kLanes)) : start;
    }
    const float* w = b.w;
    const float* x = b.x;
    for (int64_t k = 0; k < b.depth; ++k, ++w, x += kPanelTokens) {
        V xs[N];
        for (int n = 0; n < N; ++n) xs[n] = hn::LoadU(d, x + n * kLanes);
        for (int r = 0; r < R; ++r) {
            const V ws = hn::Set(d, w[static_cast<size_t>(r) * b.wStride]);
            for (int n = 0; n < N; ++n) acc[r][n] = hn::MulAdd(ws, xs[n], acc[r][n]);
        }
    }
    for (int r = 0; r < R; ++r)
        for (int n = 0; n < N; ++n) hn::StoreU(acc[r][n], d, b.out + r * kPanelTokens + n * kLanes);
}

template <int R>
void columns(Block b, int64_t n) {
    int64_t c = 0;
    const auto at = [&](int64_t column) {
        Block shifted = b;
        shifted.x += column;
        shifted.out += column;
        return shifted;
    };
    for (; c + kVectors * kLanes <= n; c += kVectors * kLanes) kernel<R, kVectors>(at(c));
    if constexpr (kVectors == 4)
        for (; c + 2 * kLanes <= n; c += 2 * kLanes) kernel<R, 2>(at(c));
    for (; c < n; c += kLanes) kernel<R, 1>(at(c));
}

void gemmRows(const TensorView& w, int64_t begin, int64_t end, const float* x, int64_t nTokens, const float* bias,
              Output mode, float* out, size_t outPanelStride, int64_t outFirstRow, float* scratch) {
    const size_t stride = rowBytes(w.dtype, w.cols);
    const auto* data = static_cast<const uint8_t*>(w.data);
    for (int64_t k = 0; k < w.cols; k += kGemmDepth) {
        const int64_t depth = std::min(kGemmDepth, w.cols - k);
        const float* rows = scratch;
        size_t rowStride = kGemmDepth;
        if (w.dtype == DType::F32 && reinterpret_cast<uintptr_t>(data) % 4 == 0) {
            rows = reinterpret_cast<const float*>(data) + begin * w.cols + k;
            rowStride = static_cast<size_t>(w.cols);
        } else {
            for (int64_t r = begin; r < end; ++r)
                cpu::widenRow(w.dtype, data + static_cast<size_t>(r) * stride, k, k + depth,
                              scratch + (r - begin) * kGemmDepth);
        }
        for (int64_t p = 0; p < nPanels(nTokens); ++p) {
            const int64_t n = panelColumns(nTokens, p);
            int64_t r = begin;
            const auto block = [&](int64_t row) {
                return Block{rows + static_cast<size_t>(row - begin) * rowStride,
                             rowStride,
                             x + (p * w.cols + k) * kPanelTokens,
                             depth,
                             bias && k == 0 ? bias + row : nullptr,
                             mode == Output::Add || k > 0,
                             out + static_cast<size_t>(p) * outPanelStride +
                                 static_cast<size_t>((row - outFirstRow) * kPanelTokens)};
            };
            for (; r + kRows <= end; r += kRows) columns<kRows>(block(r), n);
            for (; r < end; ++r) columns<1>(block(r), n);
        }
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {
HWY_EXPORT(gemmRows);
void gemmRows(const TensorView& w, int64_t begin, int64_t end, const float* x, int64_t nTokens, const float* bias,
              Output mode, float* out, size_t outPanelStride, int64_t outFirstRow, float* scratch) {
    HWY_DYNAMIC_DISPATCH(gemmRows)(w, begin, end, x, nTokens, bias, mode, out, outPanelStride, outFirstRow, scratch);
}
}  // namespace spanscope::cpu
#endif
