#include "kernels/cuda/matrix/gemv_launch.cuh"

namespace spanscope::cuda {
template cudaError_t launchGemvOf<Half>(const LaunchContext&, const GemvParams&, size_t);
template cudaError_t prepareGemvOf<Half>(int);
}  // namespace spanscope::cuda
