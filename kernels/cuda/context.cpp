#include "kernels/cuda/attention/prefill_attention.h"
#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/skinny_gemm.h"

namespace spanscope::cuda {

Status openContext(int device, LaunchContext& ctx, std::string& deviceName) {
    SPANSCOPE_CUDA_TRY(cudaSetDevice(device));
    cudaDeviceProp properties = {};
    SPANSCOPE_CUDA_TRY(cudaGetDeviceProperties(&properties, device));
    deviceName = properties.name;
    if (properties.major < 8) {
        Error e;
        e.code = ErrorCode::Unsupported;
        e.message = "this GPU's compute capability";
        e.found = std::to_string(properties.major) + "." + std::to_string(properties.minor);
        e.expected = "8.0 or higher";
        return e;
    }
    ctx.nSm = properties.multiProcessorCount;
    ctx.dependentLaunch = ctx.bulkCopies = properties.major >= 9;
    ctx.sharedPerBlock = static_cast<int>(properties.sharedMemPerBlockOptin);
    ctx.sharedPerSm = ctx.sharedPerBlock;
    SPANSCOPE_CUDA_TRY(cudaStreamCreateWithFlags(&ctx.stream, cudaStreamNonBlocking));
    SPANSCOPE_CUDA_TRY(prepareGemv(ctx));
    SPANSCOPE_CUDA_TRY(prepareSkinny(ctx));
    SPANSCOPE_CUDA_TRY(preparePrefillAttention(ctx));
    SPANSCOPE_CUDA_TRY(prepareSpanAttention(ctx));
    return {};
}

}  // namespace spanscope::cuda
