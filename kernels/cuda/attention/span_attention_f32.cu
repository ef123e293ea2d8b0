#include "kernels/cuda/attention/span_attention_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchSpanAttentionOf<float>(const LaunchContext&, const SpanAttentionParams&);
template SpanGrid gridOfSpanAttention<float>(const LaunchContext&, const SpanAttentionParams&);
}  // namespace spanscope::cuda
