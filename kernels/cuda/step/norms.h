// RMSNorm of whole rows: before a product, and of a product before it joins the residual stream.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

struct RmsNormParams {
    const float* x = nullptr;     ///< (rows, hidden)
    const float* gain = nullptr;  ///< (hidden); absent: x is converted to `type`, not normalised
    void* y = nullptr;            ///< (rows, hidden) in type
    Element type = Element::F32;
    int32_t hidden = 0;  ///< multiple of 4
    float eps = 0.f;
    WeightPrefetch prefetch;  ///< what the next kernel reads
};
cudaError_t launchRmsNorm(const LaunchContext& ctx, RmsNormParams params, int32_t nRows);

/// x += RMSNorm(y) * gain.
struct AddNormedParams {
    float* x = nullptr;           ///< (rows, hidden)
    const float* y = nullptr;     ///< (rows, hidden)
    const float* gain = nullptr;  ///< (hidden)
    int32_t hidden = 0;           ///< multiple of 4
    float eps = 0.f;
};
cudaError_t launchAddNormed(const LaunchContext& ctx, const AddNormedParams& params, int32_t nRows);

}  // namespace spanscope::cuda
