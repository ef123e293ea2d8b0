#include "kernels/cuda/attention/span_attention_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchSpanAttentionOf<Half>(const LaunchContext&, const SpanAttentionParams&);
template SpanGrid gridOfSpanAttention<Half>(const LaunchContext&, const SpanAttentionParams&);
template cudaError_t prepareSpanAttentionOf<Half>(const LaunchContext&);
}  // namespace spanscope::cuda
