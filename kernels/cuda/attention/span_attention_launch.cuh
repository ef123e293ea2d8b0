// Run-time kernel and head size -> template. Instantiated in span_attention_plain_*.cu and span_attention_mma_*.cu, one
// file per kind and KV type so that they compile side by side.
#pragma once

#include "kernels/cuda/attention/span_attention_cluster.cuh"
#include "kernels/cuda/attention/span_attention_direct.cuh"

namespace spanscope::cuda {

template <class Engine>
cudaError_t launchDirect(const LaunchContext& ctx, const SpanAttentionParams& params, const SpanLaunch& plan) {
    return launch(ctx, spanAttentionKernel<Engine>, dim3(static_cast<unsigned>(plan.nBlocks)), dim3(kSpanWarps * 32),
                  plan.sharedBytes, params);
}

/// SpanKernel::Plain.
template <class KV>
cudaError_t launchPlain(const LaunchContext& ctx, const SpanAttentionParams& params, const SpanLaunch& plan) {
    return launchDirect<PlainEngine<KV>>(ctx, params, plan);
}

template <class KV, int HD>
cudaError_t launchMmaOf(const LaunchContext& ctx, const SpanAttentionParams& params, const SpanLaunch& plan) {
    const unsigned nBlocks = static_cast<unsigned>(plan.nBlocks), cluster = static_cast<unsigned>(plan.cluster);
    switch (plan.kernel) {
        case SpanKernel::Direct: return launchDirect<MmaEngine<KV, HD>>(ctx, params, plan);
        case SpanKernel::Ring:
            return launch(ctx, spanRingKernel<KV, HD>, dim3(nBlocks), dim3(kSpanWarps * 32), plan.sharedBytes, params);
        case SpanKernel::Cluster:
        case SpanKernel::ClusterDeep:
            return launch(ctx, spanClusterKernel<KV, HD>, dim3(cluster, nBlocks / cluster), dim3(kClusterWarps * 32),
                          plan.sharedBytes, params, cluster);
        case SpanKernel::Auto:
        case SpanKernel::Plain: break;
    }
    return cudaErrorInvalidValue;
}

/// All others.
template <class KV>
cudaError_t launchMma(const LaunchContext& ctx, const SpanAttentionParams& params, const SpanLaunch& plan) {
    switch (params.headDim) {
        case 32: return launchMmaOf<KV, 32>(ctx, params, plan);
        case 64: return launchMmaOf<KV, 64>(ctx, params, plan);
        case 96: return launchMmaOf<KV, 96>(ctx, params, plan);
        case 128: return launchMmaOf<KV, 128>(ctx, params, plan);
        case 256: return launchMmaOf<KV, 256>(ctx, params, plan);
        default: return cudaErrorInvalidValue;
    }
}

/// Raises the limits of shared memory.
template <class KV>
cudaError_t prepareMma(int maxSharedBytes) {
    const auto raise = [&](auto headDim) {
        constexpr int HD = decltype(headDim)::value;
        const cudaError_t status =
            raiseSharedLimit(reinterpret_cast<const void*>(spanRingKernel<KV, HD>), maxSharedBytes);
        return status == cudaSuccess
                   ? raiseSharedLimit(reinterpret_cast<const void*>(spanClusterKernel<KV, HD>), maxSharedBytes)
                   : status;
    };
    for (const cudaError_t status :
         {raise(Index<32>()), raise(Index<64>()), raise(Index<96>()), raise(Index<128>()), raise(Index<256>())})
        if (status != cudaSuccess) return status;
    return cudaSuccess;
}

}  // namespace spanscope::cuda
