#include "kernels/cuda/attention/span_attention_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchPlain<Half>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
}  // namespace spanscope::cuda
