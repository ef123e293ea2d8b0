// Launches of one weight type's kernels; included by gemv_{f32,f16,bf16}.cu alone.
#pragma once

#include "kernels/cuda/matrix/gemv_ring.cuh"

namespace spanscope::cuda {

template <class W>
cudaError_t launchGemvOf(const LaunchContext& ctx, const GemvParams& params, size_t sharedBytes) {
    const int32_t wanted = (params.nPairs + kGemvWarps - 1) / kGemvWarps, most = 2 * ctx.nSm;
    const dim3 grid(static_cast<unsigned>(wanted < most ? wanted : most)), block(kGemvThreads);
    GemvParams p = params;
    p.prefetch.splitOver(grid.x);
    return withRows(p.m, [&](auto m) {
        constexpr int kM = decltype(m)::value;
        const auto launchThe = [&](auto joins) {
            constexpr bool kJoins = decltype(joins)::value != 0;
            if constexpr (sizeof(W) == 2)
                if (p.nStages > 0) return launch(ctx, gemvRingKernel<W, kM, kJoins>, grid, block, sharedBytes, p);
            return launch(ctx, gemvKernel<W, kM, kJoins>, grid, block, sharedBytes, p);
        };
        if constexpr (kM == 1)
            if (p.addend) return launchThe(Index<1>());
        return launchThe(Index<0>());
    });
}

template <class W>
cudaError_t prepareGemvOf(int maxSharedBytes) {
    for (int32_t rows : {1, 2, 4}) {
        const cudaError_t status = withRows(rows, [&](auto m) {
            constexpr int kM = decltype(m)::value;
            const auto raise = [&](auto kernel) {
                return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                            cudaFuncAttributeMaxDynamicSharedMemorySize, maxSharedBytes);
            };
            cudaError_t raised = raise(gemvKernel<W, kM, false>);
            if constexpr (sizeof(W) == 2)
                if (raised == cudaSuccess) raised = raise(gemvRingKernel<W, kM, false>);
            if constexpr (kM == 1) {
                if (raised == cudaSuccess) raised = raise(gemvKernel<W, kM, true>);
                if constexpr (sizeof(W) == 2)
                    if (raised == cudaSuccess) raised = raise(gemvRingKernel<W, kM, true>);
            }
            return raised;
        });
        if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
}

}  // namespace spanscope::cuda
