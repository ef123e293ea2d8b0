// Run-time sizes -> kernel. Kernels: gemv_wide.cuh.
#include "kernels/cuda/gemv_wide.cuh"

namespace spanscope::cuda {
namespace {

int32_t octetsPerThread(int32_t k) { return (k / 8 + kWideThreads - 1) / kWideThreads; }

/// fn(kernel of these weights, rows of x and octets per thread).
template <class W, int M, class Fn>
cudaError_t withOctets(int32_t j, const Fn& fn) {
    if (j == 1) return fn(gemvWideKernel<W, M, 1>);
    if (j == 2) return fn(gemvWideKernel<W, M, 2>);
    if constexpr (M <= 2) return j == 3 ? fn(gemvWideKernel<W, M, 3>) : fn(gemvWideKernel<W, M, 4>);
    return cudaErrorInvalidValue;
}
template <class Fn>
cudaError_t withKernel(Element type, int32_t m, int32_t j, const Fn& fn) {
    if (type == Element::F16) return m == 1 ? withOctets<Half, 1>(j, fn) : m == 2 ? withOctets<Half, 2>(j, fn) : withOctets<Half, 4>(j, fn);
    return m == 1 ? withOctets<Bf16, 1>(j, fn) : m == 2 ? withOctets<Bf16, 2>(j, fn) : withOctets<Bf16, 4>(j, fn);
}
bool fits(const LaunchContext& ctx, Element type, int32_t m, int32_t j) {  // x of all rows must fit into registers
    return type != Element::F32 && (m == 1 || m == 2 || m == 4) && j <= (m == 4 ? 2 : 4) &&
           ctx.sharedPerBlock >= wideRingBytes(j) + 4 * 1024;
}

}  // namespace

bool gemvWideFits(const LaunchContext& ctx, Element type, int32_t m, int32_t k) {
    return k >= 2048 && k % 8 == 0 && fits(ctx, type, m, octetsPerThread(k));
}

cudaError_t prepareGemvWide(const LaunchContext& ctx) {
    for (Element type : {Element::F16, Element::BF16})
        for (int32_t m : {1, 2, 4})
            for (int32_t j = 1; j <= 4; ++j) {
                if (!fits(ctx, type, m, j)) continue;
                const cudaError_t status = withKernel(type, m, j, [&](auto kernel) {
                    return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                wideRingBytes(j));
                });
                if (status != cudaSuccess) return status;
            }
    return cudaSuccess;
}

cudaError_t launchGemvWide(const LaunchContext& ctx, Element type, GemvParams params) {
    const int32_t nBlocks = params.nPairs < ctx.nSm ? params.nPairs : ctx.nSm, j = octetsPerThread(params.k);
    params.ahead.shareOut(nBlocks);
    return withKernel(type, params.m, j, [&](auto kernel) {
        return launch(ctx, kernel, dim3(static_cast<unsigned>(nBlocks)), dim3(kWideThreads), static_cast<size_t>(wideRingBytes(j)), params);
    });
}

}  // namespace spanscope::cuda
