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
constexpr size_t kStageLimit = 96 * 1024;   // above this two blocks no longer share a multiprocessor
constexpr size_t kSharedLimit = 160 * 1024; // what compute capability 8.0 gives a block, with room for statics
size_t stagedBytes(int32_t m, int32_t k) {
    return static_cast<size_t>(m) * static_cast<size_t>(k) * sizeof(float);
}
}  // namespace

bool gemvFits(int32_t m, int32_t k, bool normalised) {
    return (m == 1 || m == 2 || m == 4) && k % 8 == 0 && (!normalised || stagedBytes(m, k) <= kSharedLimit - 1024);
}

cudaError_t prepareGemv() {
    int device = 0, most = 0;
    cudaError_t status = cudaGetDevice(&device);
    if (status == cudaSuccess) status = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    if (status != cudaSuccess) return status;
    const int limit = most - 1024 < static_cast<int>(kSharedLimit) ? most - 1024 : static_cast<int>(kSharedLimit);
    status = prepareGemvOf<float>(limit);
    if (status == cudaSuccess) status = prepareGemvOf<Half>(limit);
    if (status == cudaSuccess) status = prepareGemvOf<Bf16>(limit);
    return status;
}

cudaError_t launchGemv(const LaunchContext& ctx, Element weightType, GemvParams params) {
    if (!gemvFits(params.m, params.k, params.gain != nullptr)) return cudaErrorInvalidValue;
    params.nPairs = params.role == GemvRole::Plain || params.role == GemvRole::Residual ? (params.nRows + 1) / 2
                                                                                        : params.nRows / 2;
    const size_t bytes = stagedBytes(params.m, params.k);
    params.stageX = params.gain || bytes <= kStageLimit;
    const size_t shared = params.stageX ? bytes : 0;
    switch (weightType) {
        case Element::F32: return launchGemvOf<float>(ctx, params, shared);
        case Element::F16: return launchGemvOf<Half>(ctx, params, shared);
        case Element::BF16: return launchGemvOf<Bf16>(ctx, params, shared);
    }
    return cudaErrorInvalidValue;
}

}  // namespace spanscope::cuda
