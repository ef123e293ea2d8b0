#include "kernels/cuda/matrix/gemv_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchGemvOf<Bf16>(const LaunchContext&, const GemvParams&, size_t);
template cudaError_t prepareGemvOf<Bf16>(int);
}  // namespace spanscope::cuda
