#include "kernels/cuda/attention/span_attention_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchMma<Bf16>(const LaunchContext&, const SpanAttentionParams&, const SpanLaunch&);
template cudaError_t prepareMma<Bf16>(int);
}  // namespace spanscope::cuda
