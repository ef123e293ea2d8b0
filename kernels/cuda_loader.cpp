// Finds, opens and checks the CUDA plugin. The library stays open for the life of the process: a backend's code lives
// in it.
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "kernels/backends.h"
#include "kernels/cuda/plugin_api.h"
#include "kernels/program_folder.h"

namespace spanscope {
namespace {

/// $SPANSCOPE_CUDA_PLUGIN, else where programLibrary() finds it. Always absolute; empty where it is not known where the
/// program is.
std::string pluginPath() {
    std::error_code failed;
    if (const char* given = std::getenv("SPANSCOPE_CUDA_PLUGIN"); given && *given)
        return std::filesystem::absolute(given, failed).string();
    return programLibrary(kCudaPluginFile);
}

Error notUsable(ErrorCode code, std::string message, const std::string& file) {
    Error e;
    e.code = code;
    e.message = std::move(message);
    e.file = file;
    return e;
}

Result<const CudaPlugin*> open() {
    const std::string path = pluginPath();
    if (path.empty())
        return notUsable(ErrorCode::NotFound,
                         "the CUDA plugin is looked for beside the program, and the system does not say where that is; "
                         "SPANSCOPE_CUDA_PLUGIN can",
                         kCudaPluginFile);
    std::error_code failed;
    if (!std::filesystem::exists(path, failed))
        return notUsable(ErrorCode::NotFound, "the CUDA plugin is not there; it is built where nvcc is found", path);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char* why = dlerror();
        return notUsable(ErrorCode::Device,
                         std::string("cannot open the CUDA plugin: ") + (why ? why : "unknown reason"), path);
    }
    using Entry = const CudaPlugin* (*)();
    const Entry entry = reinterpret_cast<Entry>(dlsym(library, kCudaPluginEntry));
    const CudaPlugin* plugin = entry ? entry() : nullptr;
    const bool fits = plugin && plugin->version == kCudaPluginVersion && plugin->tableBytes == sizeof(CudaPlugin) &&
                      plugin->weightsBytes == sizeof(ModelWeights) && plugin->optionsBytes == sizeof(BackendOptions) &&
                      plugin->resultBytes == sizeof(ProbeResult);
    if (fits) return plugin;
    Error e = notUsable(ErrorCode::Unsupported, "the CUDA plugin was built for another version of the program", path);
    e.found =
        plugin ? "plugin version " + std::to_string(plugin->version) : "no entry " + std::string(kCudaPluginEntry);
    e.expected = "version " + std::to_string(kCudaPluginVersion) + " built together with the program";
    dlclose(library);
    return e;
}

/// Devices that the NVIDIA driver counts; 0 without a driver. Asked before the plugin is opened, whose libraries take
/// a hundred megabytes that are of no use then.
int nDriverDevices() {
    static const int n = [] {
        void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
        if (!driver) return 0;
        using Init = int (*)(unsigned);
        using Count = int (*)(int*);
        const auto init = reinterpret_cast<Init>(dlsym(driver, "cuInit"));
        const auto count = reinterpret_cast<Count>(dlsym(driver, "cuDeviceGetCount"));
        int devices = 0;
        return init && count && init(0) == 0 && count(&devices) == 0 ? devices : 0;
    }();
    return n;
}

/// Opened once; a failure is tried again, so that a plugin put in place later is found.
Result<const CudaPlugin*> plugin() {
    static std::mutex guard;
    static const CudaPlugin* opened = nullptr;
    const std::lock_guard lock(guard);
    if (opened) return opened;
    Result<const CudaPlugin*> found = open();
    if (found.ok()) opened = found.value();
    return found;
}

}  // namespace

Result<std::unique_ptr<Backend>> openCudaBackend(const ModelWeights& weights, const BackendOptions& options,
                                                 const ProgressFn& progress) {
    const Result<const CudaPlugin*> found = plugin();
    if (!found.ok()) return found.error();
    Error error;
    std::unique_ptr<Backend> backend((*found)->create(&weights, &options, &progress, &error));
    if (!backend) return error;
    return backend;
}

Device preferredDevice() {
    if (nDriverDevices() == 0) return Device::Cpu;
    const Result<const CudaPlugin*> found = plugin();
    char text[512] = {};
    return found.ok() && (*found)->describe(text, sizeof(text)) > 0 ? Device::Cuda : Device::Cpu;
}

std::string describeCuda() {
    if (nDriverDevices() == 0) return "no usable GPU: the NVIDIA driver is not there or counts none";
    const Result<const CudaPlugin*> found = plugin();
    if (!found.ok()) return found.error().toString();
    char text[512] = {};
    (*found)->describe(text, sizeof(text));
    return text;
}

}  // namespace spanscope
