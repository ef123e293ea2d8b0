#include "kernels/backends.h"

#include "kernels/cpu/kv_cache.h"
#include "kernels/cuda/matrix_type.h"

namespace spanscope {
namespace {

struct NamedDevice {
    Device device;
    const char* name;
};
constexpr NamedDevice kDevices[] = {
    {Device::Auto, "auto"}, {Device::Cpu, "cpu"}, {Device::Cuda, "cuda"}, {Device::Reference, "reference"}};

}  // namespace

const char* deviceName(Device device) {
    for (const NamedDevice& d : kDevices)
        if (d.device == device) return d.name;
    return "?";
}

std::optional<Device> deviceFromName(std::string_view name) {
    for (const NamedDevice& d : kDevices)
        if (name == d.name) return d.device;
    return std::nullopt;
}

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
