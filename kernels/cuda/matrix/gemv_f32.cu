#include "kernels/cuda/matrix/gemv_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchGemvOf<float>(const LaunchContext&, const GemvParams&, size_t);
template cudaError_t prepareGemvOf<float>(int);
}  // namespace spanscope::cuda
