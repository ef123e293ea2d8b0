#include "kernels/backends.h"

#include "kernels/cuda/matrix_type.h"

namespace spanscope {

DType defaultKvType(Device device, const ModelWeights& weights) {
    if (device == Device::Reference) return DType::F32;
    return cudaMatrixType(weights) == DType::F16 ? DType::F16 : DType::BF16;
}

}  // namespace spanscope
