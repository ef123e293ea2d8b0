// A matrix with an adapter's product added to it: w + scale b a, computed in float32, row by row. What loading takes
// for matrices that hold plain values, and what the CUDA backend copies. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace spanscope {

class MergedMatrix {
  public:
    /// The views' memory outlives it. An absent delta adds nothing. Throws std::bad_alloc.
    MergedMatrix(const TensorView& w, const LowRank& delta);
    /// out: (w.cols). scratch: its memory is kept from call to call, one for each thread.
    void row(int64_t index, float* out, std::vector<float>& scratch) const;

  private:
    TensorView m_w;
    LowRank m_delta;
    std::vector<float> m_a;  ///< (rank, w.cols)
};

/// Values rounded to the nearest of `type`: F32, F16 or BF16. out: rowBytes(type, n) bytes.
void roundRow(DType type, const float* values, int64_t n, void* out);

}  // namespace spanscope
