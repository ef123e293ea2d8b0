// The plugin's C entry. See plugin_api.h.
#include "kernels/cuda/plugin_api.h"

#include <cstdio>
#include <string>

#include "kernels/cuda/cuda_backend.h"

namespace {

spanscope::Backend* create(const spanscope::ModelWeights* weights, const spanscope::BackendOptions* options,
                           const spanscope::ProgressFn* progress, spanscope::Error* error) {
    auto made = spanscope::cuda::CudaBackend::create(*weights, *options, *progress);
    if (made.ok()) return made.value().release();
    *error = made.error();
    return nullptr;
}

int describe(char* text, size_t textBytes) {
    int nDevices = 0, driver = 0;
    const cudaError_t status = cudaGetDeviceCount(&nDevices);
    if (status != cudaSuccess || nDevices == 0) {
        std::snprintf(text, textBytes, "no usable GPU: %s",
                      status == cudaSuccess ? "no CUDA device is present" : cudaGetErrorString(status));
        return 0;
    }
    (void)cudaDriverGetVersion(&driver);
    int nUsable = 0;
    std::string line;
    for (int i = 0; i < nDevices; ++i) {
        cudaDeviceProp p = {};
        if (cudaGetDeviceProperties(&p, i) != cudaSuccess) continue;
        if (p.major >= 8) ++nUsable;
        line += (line.empty() ? "" : "; ") + std::string(p.name) + ", compute capability " + std::to_string(p.major) +
                "." + std::to_string(p.minor) + (p.major >= 8 ? "" : " (8.0 is needed)") + ", " +
                std::to_string(p.totalGlobalMem >> 20) + " MiB";
    }
    std::snprintf(text, textBytes, "%s, CUDA driver %d.%d", line.c_str(), driver / 1000, driver % 1000 / 10);
    return nUsable;
}

const spanscope::CudaPlugin kPlugin = {spanscope::kCudaPluginVersion,
                                       sizeof(spanscope::CudaPlugin),
                                       sizeof(spanscope::ModelWeights),
                                       sizeof(spanscope::BackendOptions),
                                       sizeof(spanscope::ProbeResult),
                                       &create,
                                       &describe};

}  // namespace

extern "C" __attribute__((visibility("default"))) const spanscope::CudaPlugin* spanscopeCudaPlugin() {
    return &kPlugin;
}
