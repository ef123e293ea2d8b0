#include "kernels/backends.h"

#include "kernels/cpu/kv_cache.h"
#include "kernels/cuda/matrix_type.h"

namespace spanscope {

DType defaultKvType(Device device, const ModelWeights& weights) {
    switch (device) {
        case Device::Cuda: return cudaMatrixType(weights) == DType::F16 ? DType::F16 : DType::BF16;
        case Device::Reference: return DType::F32;
        case Device::Auto:
        case Device::Cpu: break;
    }
    return cpu::kDefaultKvType;
}

}  // namespace spanscope
