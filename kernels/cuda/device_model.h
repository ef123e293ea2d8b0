// A loaded model on the device: its shape, its weights, the KV pool; and what its layers give to kernels, in decode
// steps and in prompts alike. Owned by the backend. The backend's thread.
#pragma once

#include "kernels/cuda/kv_pool.h"
#include "kernels/cuda/step/elementwise.h"
#include "kernels/cuda/weights.h"

namespace spanscope::cuda {

struct DeviceModel {
    ModelShape shape;
    DeviceWeights weights;
    KvPool kv;

    /// 1 / sqrt(headDim).
    float attentionScale() const;
    /// y = RMSNorm(x) * gain, y in the weights' type.
    RmsNormParams rmsNorm(const float* x, const float* gain, void* y) const;
    /// Rotation and KV append of layer `index`; the caller adds where q, k and v come from and where q goes.
    RopeAppendParams ropeAppend(size_t index) const;
    /// x (nRows, hidden) += bias; nothing where there is none.
    Status addBias(const LaunchContext& ctx, const float* maybeBias, float* x, int32_t nRows) const;
};

}  // namespace spanscope::cuda
