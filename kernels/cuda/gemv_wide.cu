// Run-time sizes -> kernel. Kernels: gemv_wide.cuh.
#include "kernels/cuda/gemv_wide.cuh"

namespace spanscope::cuda {
namespace {

int32_t octetsPerThread(int32_t k) { return (k / 8 + kWideThreads - 1) / kWideThreads; }

/// fn(kernel of these weights, rows of x and octets per thread).
template <class W, int M, class Fn>
cudaError_t withOctets(int32_t j, bool room, const Fn& fn) {
    if (j == 1) return room ? fn(gemvWideKernel<W, M, 1, true>) : fn(gemvWideKernel<W, M, 1, false>);
    if (j == 2) return fn(gemvWideKernel<W, M, 2, false>);
    if constexpr (M <= 2) return j == 3 ? fn(gemvWideKernel<W, M, 3, false>) : fn(gemvWideKernel<W, M, 4, false>);
    return cudaErrorInvalidValue;
}
template <class W, class Fn>
cudaError_t withRows(int32_t m, int32_t j, bool room, const Fn& fn) {
    return m == 1 ? withOctets<W, 1>(j, room, fn) : m == 2 ? withOctets<W, 2>(j, room, fn) : withOctets<W, 4>(j, room, fn);
}
template <class Fn>
cudaError_t withKernel(Element type, int32_t m, int32_t j, bool room, const Fn& fn) {
    return type == Element::F16 ? withRows<Half>(m, j, room, fn) : withRows<Bf16>(m, j, room, fn);
}
bool fits(const LaunchContext& ctx, Element type, int32_t m, int32_t j) {  // x of all rows must fit into registers
    return type != Element::F32 && (m == 1 || m == 2 || m == 4) && j <= (m == 4 ? 2 : 4) &&
           ctx.sharedPerBlock >= wideRingBytes(j, false) + 4 * 1024;
}

}  // namespace

bool gemvWideFits(const LaunchContext& ctx, GemvKernel kernel, Element type, int32_t m, int32_t k) {
    return kernel != GemvKernel::Narrow && k >= 2048 && k % 8 == 0 && fits(ctx, type, m, octetsPerThread(k));
}

cudaError_t prepareGemvWide(const LaunchContext& ctx) {
    for (Element type : {Element::F16, Element::BF16})
        for (int32_t m : {1, 2, 4})
            for (int32_t j = 1; j <= 4; ++j)
                for (bool room : {false, true}) {
                    if (!fits(ctx, type, m, j)) continue;
                    const cudaError_t status = withKernel(type, m, j, room, [&](auto kernel) {
                        return raiseShared(reinterpret_cast<const void*>(kernel), wideRingBytes(j, room));
                    });
                    if (status != cudaSuccess) return status;
                }
    return cudaSuccess;
}

cudaError_t launchGemvWide(const LaunchContext& ctx, Element type, GemvParams params) {
    const int32_t nBlocks = params.nPairs < ctx.nSm ? params.nPairs : ctx.nSm, j = octetsPerThread(params.k);
    const bool room = params.kernel == GemvKernel::WideRoom;
    params.ahead.shareOut(nBlocks);
    return withKernel(type, params.m, j, room, [&](auto kernel) {
        return launch(ctx, kernel, dim3(static_cast<unsigned>(nBlocks)), dim3(kWideThreads), static_cast<size_t>(wideRingBytes(j, room)),
                      params);
    });
}

}  // namespace spanscope::cuda
