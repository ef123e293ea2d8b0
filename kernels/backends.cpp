#include "kernels/backends.h"

namespace spanscope {

Result<std::unique_ptr<Backend>> makeBackend(Device device, const ModelWeights& weights, const BackendOptions& options,
                                             const ProgressFn& progress) {
    switch (device) {
        case Device::Reference: return makeReferenceBackend(weights, options, true);
        case Device::Cpu: return makeCpuBackend(weights, options);
        case Device::Cuda: return openCudaBackend(weights, options, progress);
        case Device::Auto: break;
    }
    if (preferredDevice() == Device::Cuda) {
        auto cuda = openCudaBackend(weights, options, progress);
        if (cuda || cuda.error().code == ErrorCode::Cancelled) return cuda;
    }
    return makeCpuBackend(weights, options);
}

}  // namespace spanscope
