// What a model can run on, by name. The window and the command line ask for one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spanscope {

/// What computes. Auto: CUDA where there is a usable device that holds the model and its cache, else the CPU.
enum class Device : uint8_t { Auto, Cpu, Cuda, Reference };
struct NamedDevice {
    Device device;
    const char* name;
};
inline constexpr NamedDevice kDevices[] = {
    {Device::Auto, "auto"}, {Device::Cpu, "cpu"}, {Device::Cuda, "cuda"}, {Device::Reference, "reference"}};

/// "auto", "cpu", "cuda", "reference"; BackendInfo::name is never "auto".
constexpr const char* deviceName(Device device) {
    for (const NamedDevice& d : kDevices)
        if (d.device == device) return d.name;
    return "?";
}
constexpr std::optional<Device> deviceFromName(std::string_view name) {
    for (const NamedDevice& d : kDevices)
        if (name == d.name) return d.device;
    return std::nullopt;
}

}  // namespace spanscope
