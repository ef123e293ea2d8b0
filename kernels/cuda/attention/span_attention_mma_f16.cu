#include "kernels/cuda/attention/span_attention_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchMma<Half>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
template cudaError_t prepareMma<Half>(int);
}  // namespace spanscope::cuda
