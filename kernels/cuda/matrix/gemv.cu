// Run-time type -> kernel, and the choice of whether x is staged. Kernels: gemv_kernel.cuh.
#include "kernels/cuda/matrix/gemv_launch.cuh"

namespace spanscope::cuda {
extern template cudaError_t launchGemvOf<float>(const LaunchContext&, const GemvParams&, size_t);
extern template cudaError_t launchGemvOf<Half>(const LaunchContext&, const GemvParams&, size_t);
extern template cudaError_t launchGemvOf<Bf16>(const LaunchContext&, const GemvParams&, size_t);
extern template cudaError_t prepareGemvOf<float>(int);
extern template cudaError_t prepareGemvOf<Half>(int);
extern template cudaError_t prepareGemvOf<Bf16>(int);

namespace {
constexpr size_t kStageLimit = 96 * 1024;  // above this two blocks no longer share a multiprocessor
size_t sharedMost(const LaunchContext& ctx) {
    return static_cast<size_t>(ctx.sharedPerBlock) - 2048;
}  // room for statics
size_t stagedBytes(int32_t m, int32_t k) { return static_cast<size_t>(m) * static_cast<size_t>(k) * sizeof(float); }
}  // namespace

bool gemvFits(const LaunchContext& ctx, MatrixFormat format, int32_t m, int32_t k, bool normalised) {
    if (format != MatrixFormat::Plain) return gemvQuantFits(ctx, m, k);
    return (m == 1 || m == 2 || m == 4) && k % 8 == 0 && (!normalised || stagedBytes(m, k) <= sharedMost(ctx));
}

int32_t gemvRingStages(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k) {
    if (!ctx.bulkCopies || format != MatrixFormat::Plain || plain == Element::F32 || k % 8 != 0) return 0;
    constexpr int kStaticShared = 2048, kBlocksPerSm = 2;
    const int64_t room = ctx.sharedPerSm / kBlocksPerSm - kStaticShared - static_cast<int64_t>(stagedBytes(m, k));
    const int64_t n = room / (kGemvWarps * kGemvStageBytes);
    return n < 2 ? 0 : n < kGemvMaxStages ? static_cast<int32_t>(n) : kGemvMaxStages;
}

bool gemvSuitsFullCarveout(const LaunchContext& ctx, MatrixFormat format, Element plain, int32_t m, int32_t k) {
    const LaunchContext all = withCarveout(ctx, kCarveoutAll);
    if (gemvRingStages(all, format, plain, m, k) > 0) return true;
    const size_t bytes = stagedBytes(m, k);
    return ctx.bulkCopies && format == MatrixFormat::Plain && plain != Element::F32 && bytes <= kStageLimit &&
           2 * (bytes + 2048) <= static_cast<size_t>(all.sharedPerSm);
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
    params.setMatrix(matrix);
    params.scales = matrix.scales;
    if (!gemvFits(ctx, matrix.format, params.m, params.k, params.gain || params.addend)) return cudaErrorInvalidValue;
    if (params.addend && !gemvJoins(params.m, params.k)) return cudaErrorInvalidValue;
    if (matrix.format != MatrixFormat::Plain) return launchGemvQuant(ctx, matrix.format, params);
    const size_t bytes = stagedBytes(params.m, params.k);
    params.nStages =
        ctx.carveoutPercent == kCarveoutAll ? gemvRingStages(ctx, matrix.format, plain, params.m, params.k) : 0;
    params.stageX = params.nStages > 0 || params.gain || params.addend || bytes <= kStageLimit;
    const size_t shared =
        (params.stageX ? bytes : 0) + static_cast<size_t>(params.nStages * kGemvWarps * kGemvStageBytes);
    switch (plain) {
        case Element::F32: return launchGemvOf<float>(ctx, params, shared);
        case Element::F16: return launchGemvOf<Half>(ctx, params, shared);
        case Element::BF16: return launchGemvOf<Bf16>(ctx, params, shared);
    }
    return cudaErrorInvalidValue;
}

}  // namespace spanscope::cuda
