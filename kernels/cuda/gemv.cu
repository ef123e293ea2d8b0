// Run-time type -> kernel, and the choice of whether x is staged. Kernels: gemv_kernel.cuh.
#include "kernels/cuda/gemv_kernel.cuh"

namespace spanscope::cuda {
template <>
cudaError_t launchGemvOf<float>(const LaunchContext&, const GemvParams&, size_t);
template <>
cudaError_t launchGemvOf<Half>(const LaunchContext&, const GemvParams&, size_t);
template <>
cudaError_t launchGemvOf<Bf16>(const LaunchContext&, const GemvParams&, size_t);
template <>
cudaError_t prepareGemvOf<float>(int);
template <>
cudaError_t prepareGemvOf<Half>(int);
template <>
cudaError_t prepareGemvOf<Bf16>(int);

namespace {
constexpr size_t kStageLimit = 96 * 1024;  // above this two blocks no longer share a multiprocessor
size_t sharedMost(const LaunchContext& ctx) { return static_cast<size_t>(ctx.sharedPerBlock) - 2048; }  // room for statics
size_t stagedBytes(int32_t m, int32_t k) {
    return static_cast<size_t>(m) * static_cast<size_t>(k) * sizeof(float);
}
}  // namespace

bool gemvFits(const LaunchContext& ctx, MatrixFormat format, int32_t m, int32_t k, bool normalised) {
    if (format != MatrixFormat::Plain) return gemvQuantFits(ctx, m, k);
    return (m == 1 || m == 2 || m == 4) && k % 8 == 0 && (!normalised || stagedBytes(m, k) <= sharedMost(ctx));
}

cudaError_t prepareGemv(const LaunchContext& ctx) {
    const int most = static_cast<int>(sharedMost(ctx));
    cudaError_t status = prepareGemvOf<float>(most);
    if (status == cudaSuccess) status = prepareGemvOf<Half>(most);
    if (status == cudaSuccess) status = prepareGemvOf<Bf16>(most);
    if (status == cudaSuccess) status = prepareGemvQuant(ctx);
    return status;
}

cudaError_t launchGemv(const LaunchContext& ctx, const DeviceMatrix& matrix, Element plain, GemvParams params) {
    params.w = matrix.data;
    params.scales = matrix.scales;
    params.nRows = matrix.rows;
    params.k = matrix.cols;
    if (!gemvFits(ctx, matrix.format, params.m, params.k, params.gain != nullptr)) return cudaErrorInvalidValue;
    params.nPairs = params.role == GemvRole::Plain || params.role == GemvRole::Residual ? (params.nRows + 1) / 2
                                                                                        : params.nRows / 2;
    if (matrix.format != MatrixFormat::Plain) return launchGemvQuant(ctx, matrix.format, params);
    const size_t bytes = stagedBytes(params.m, params.k);
    params.stageX = params.gain || bytes <= kStageLimit;
    const size_t shared = params.stageX ? bytes : 0;
    switch (plain) {
        case Element::F32: return launchGemvOf<float>(ctx, params, shared);
        case Element::F16: return launchGemvOf<Half>(ctx, params, shared);
        case Element::BF16: return launchGemvOf<Bf16>(ctx, params, shared);
    }
    return cudaErrorInvalidValue;
}

}  // namespace spanscope::cuda
