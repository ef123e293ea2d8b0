#include "kernels/cuda/matrix/gemm_products.h"

#include "kernels/cuda/step/elementwise.h"

namespace spanscope::cuda {

Status GemmProducts::open(size_t widenedBytes) {
    SPANSCOPE_TRY(m_gemm.open());
    return m_widened.allocate("a widened matrix", widenedBytes);
}

Status GemmProducts::plainData(const LaunchContext& ctx, const DeviceMatrix& matrix, const void*& data) {
    data = matrix.data;
    if (matrix.format == MatrixFormat::Plain) return {};
    WidenParams widen;
    widen.from = matrix;
    widen.to = m_widened.as<>();
    widen.toType = m_weights.type();
    SPANSCOPE_CUDA_TRY(launchWiden(ctx, widen));
    data = widen.to;
    return {};
}

GemmShape GemmProducts::shapeOf(const DeviceMatrix& matrix, const Operands& o) const {
    return {o.nRows, matrix.rows, matrix.cols, m_weights.type(), o.outType, o.accumulate};
}

Status GemmProducts::multiply(const LaunchContext& ctx, const DeviceMatrix& matrix, const Operands& o) {
    const void* w = nullptr;
    SPANSCOPE_TRY(plainData(ctx, matrix, w));
    return m_gemm.run(ctx, shapeOf(matrix, o), w, o.x, o.y);
}

Status GemmProducts::tune(const LaunchContext& ctx, std::span<const DeviceMatrix* const> matrices, const Operands& o) {
    std::vector<const void*> ws;
    for (const DeviceMatrix* matrix : matrices) {
        const void* data = nullptr;
        SPANSCOPE_TRY(plainData(ctx, *matrix, data));
        ws.push_back(data);
    }
    return m_gemm.tune(ctx, shapeOf(*matrices.front(), o), ws, o.x, o.y);
}

}  // namespace spanscope::cuda
