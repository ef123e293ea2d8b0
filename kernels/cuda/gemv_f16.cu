#include "kernels/cuda/gemv_kernel.cuh"

namespace spanscope::cuda {
SPANSCOPE_GEMV_OF(Half)
}  // namespace spanscope::cuda
