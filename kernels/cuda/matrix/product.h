// A matrix product of a decode step with its fused epilogue: y = W x for a few rows of x, W read once.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"

namespace spanscope::cuda {

/// What becomes of the sums W x (+ bias).
enum class Epilogue : int32_t {
    Store,     ///< y = sum
    Residual,  ///< y += sum
    SiluMul,   ///< W = gate rows, then up rows: y[i] = silu(gate_i x) * (up_i x)
    GeluMul,   ///< the same with GELU (tanh form)
    Qkv,       ///< W = q, k, v rows: q rotated into y, k rotated and v into the current KV page
};

struct ProductParams {
    Epilogue epilogue = Epilogue::Store;
    const void* w = nullptr;       ///< (nRows, k) as DeviceMatrix::data
    const float* bias = nullptr;   ///< (nRows) or absent
    void* y = nullptr;             ///< (m, yStride) in yType
    Element yType = Element::F32;  ///< another type for SiluMul and GeluMul only
    int32_t yStride = 0;
    int32_t m = 0;  ///< rows of x
    int32_t k = 0;  ///< columns of W
    int32_t nRows = 0;
    int32_t nPairs = 0;       ///< rows are done two at a time
    WeightPrefetch prefetch;  ///< what the next kernel reads
    // Qkv only
    const BatchRow* rows = nullptr;    ///< (m)
    const float2* rotation = nullptr;  ///< (m, headDim/2)
    void* kv = nullptr;                ///< the layer's pool
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    int32_t interleaved = 0;

    /// Sets what follows from the matrix; by launchers.
    void setMatrix(const DeviceMatrix& matrix) {
        w = matrix.data;
        k = matrix.cols;
        nRows = matrix.rows;
        nPairs = epilogue == Epilogue::Store || epilogue == Epilogue::Residual ? (nRows + 1) / 2 : nRows / 2;
    }
};

}  // namespace spanscope::cuda
