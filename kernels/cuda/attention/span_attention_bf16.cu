#include "kernels/cuda/attention/span_attention_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchSpanAttentionOf<Bf16>(const LaunchContext&, const SpanAttentionParams&);
template SpanGrid gridOfSpanAttention<Bf16>(const LaunchContext&, const SpanAttentionParams&);
template cudaError_t prepareSpanAttentionOf<Bf16>(const LaunchContext&);
}  // namespace spanscope::cuda
