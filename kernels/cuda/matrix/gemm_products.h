// Products of a model's matrices, of any format, that cuBLASLt forms: it takes no blocks, so a matrix in blocks is
// widened into scratch first. Owns cuBLASLt's side (gemm.h) and that scratch. The backend's thread and stream.
#pragma once

#include "kernels/cuda/matrix/gemm.h"
#include "kernels/cuda/weights.h"

namespace spanscope::cuda {

class GemmProducts {
  public:
    /// weights: what the matrices belong to; outlives this. Loaded later.
    explicit GemmProducts(const DeviceWeights& weights) : m_weights(weights) {}

    /// OutOfMemory, Device. widenedBytes: of the largest matrix in blocks (DeviceWeights::widenedBytesFor).
    Status open(size_t widenedBytes);

    struct Operands {
        int32_t nRows;
        const void* x;  ///< (nRows, cols of the matrix) in the weights' type
        void* y;        ///< (nRows, rows of the matrix)
        Element outType;
        bool accumulate;  ///< y += instead of y =
    };
    /// y = x W^T.
    Status multiply(const LaunchContext& ctx, const DeviceMatrix& matrix, const Operands& operands);
    /// Measures cuBLASLt's algorithms for a product that all of `matrices` have (equal shapes) and keeps the fastest.
    /// Overwrites y.
    Status tune(const LaunchContext& ctx, std::span<const DeviceMatrix* const> matrices, const Operands& operands);

    size_t bytesHeld() const { return m_gemm.bytesHeld() + m_widened.nBytes(); }

  private:
    /// A matrix as cuBLASLt wants it; one in blocks is in m_widened until the next call.
    Status plainData(const LaunchContext& ctx, const DeviceMatrix& matrix, const void*& data);
    GemmShape shapeOf(const DeviceMatrix& matrix, const Operands& operands) const;

    const DeviceWeights& m_weights;
    Gemm m_gemm;
    DeviceBuffer m_widened;
};

}  // namespace spanscope::cuda
