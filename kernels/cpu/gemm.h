// Y = W X for many tokens: the prefill's matrices.
//
// Activations lie feature-major in panels of 64 tokens, (panel, feature, 64): the vector lanes are tokens, so
// weights are never transposed or packed; a block of rows is widened to float once per call and then used for
// every panel. 2 * rows * cols * tokens operations; bound by the multiply-add units from about 16 tokens on.
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cpu/gemv.h"

namespace spanscope::cpu {

inline constexpr int64_t kPanelTokens = 64;
inline constexpr int64_t kGemmRows = 24;                                             ///< rows of a task
inline constexpr int64_t kGemmDepth = 2048;                                          ///< columns widened at a time
inline constexpr size_t kGemmScratch = static_cast<size_t>(kGemmRows * kGemmDepth);  ///< floats of scratch of a thread

inline int64_t nPanels(int64_t nTokens) { return (nTokens + kPanelTokens - 1) / kPanelTokens; }
/// Token columns of panel p that are computed: whole vectors of 16.
inline int64_t panelColumns(int64_t nTokens, int64_t p) {
    const int64_t left = nTokens - p * kPanelTokens;
    return left >= kPanelTokens ? kPanelTokens : (left + 15) / 16 * 16;
}

/// Rows [begin, end) (at most kGemmRows) of w. x: (nPanels, w.cols, 64). out: rows of panels,
/// out[p * outPanelStride + (row - outFirstRow) * 64 + column]. bias: (rows) or nullptr.
void gemmRows(const TensorView& w, int64_t begin, int64_t end, const float* x, int64_t nTokens, const float* bias,
              Output mode, float* out, size_t outPanelStride, int64_t outFirstRow, float* scratch);

}  // namespace spanscope::cpu
