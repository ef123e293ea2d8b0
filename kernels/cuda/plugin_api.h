// The interface of the CUDA plugin: one C function that returns a table of function pointers. The program opens the
// library with dlopen, asks for the table, and refuses it when version or type sizes differ from its own.
// Any thread may call the functions; the Backend they return follows backend.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/backend.h"

namespace spanscope {

inline constexpr uint32_t kCudaPluginVersion = 3;
inline constexpr const char* kCudaPluginEntry = "spanscopeCudaPlugin";
inline constexpr const char* kCudaPluginFile = "libspanscope_cuda.so";

struct CudaPlugin {
    uint32_t version = 0;       ///< kCudaPluginVersion of the plugin's build
    uint32_t tableBytes = 0;    ///< sizeof(CudaPlugin)
    uint32_t weightsBytes = 0;  ///< sizeof(ModelWeights); this and the next two catch a stale plugin
    uint32_t optionsBytes = 0;  ///< sizeof(BackendOptions)
    uint32_t resultBytes = 0;   ///< sizeof(ProbeResult)
    /// New backend, or nullptr with *error filled. The caller owns it and deletes it before closing the library.
    Backend* (*create)(const ModelWeights* weights, const BackendOptions* options, const ProgressFn* progress,
                       Error* error) = nullptr;
    /// Writes one line on the devices found, or why there is none. Returns the number of usable devices.
    int (*describe)(char* text, size_t textBytes) = nullptr;
};

}  // namespace spanscope
