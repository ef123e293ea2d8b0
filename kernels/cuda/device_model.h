// A loaded model on the device: its shape, its weights, the KV pool; and what its layers give to kernels, in decode
// steps and in prompts alike. Owned by the backend. The backend's thread.
#pragma once

#include "kernels/cuda/kv_pool.h"
#include "kernels/cuda/layer_kinds.h"
#include "kernels/cuda/step/elementwise.h"
#include "kernels/cuda/step/norms.h"
#include "kernels/cuda/step/rope_append.h"
#include "kernels/cuda/weights.h"

namespace spanscope::cuda {

struct DeviceModel {
    ModelShape shape;
    DeviceWeights weights;
    KvPool kv;
    std::vector<int32_t> windows;  ///< windowsOf()

    /// Of query . key.
    float attentionScale() const;
    int32_t nLists() const { return 1 + static_cast<int32_t>(windows.size()); }
    /// listOfLayer().
    int32_t listOf(size_t index) const { return listOfLayer(shape, static_cast<int32_t>(index), windows); }
    /// y = RMSNorm(x) * gain, y in the weights' type. No gain: y = x.
    RmsNormParams rmsNorm(const float* x, const float* maybeGain, void* y) const;
    /// x += RMSNorm(y) * gain.
    AddNormedParams addNormed(float* x, const float* y, const float* gain) const;
    /// All rotations of nRows rows, to `out`.
    RotationParams rotations(const DeviceBuffer& out) const;
    /// Those of layer `index`, of nRows rows.
    const float2* rotationOf(size_t index, const DeviceBuffer& rotations, int32_t nRows) const;
    /// QK-norm, rotation and KV append of layer `index`, of nRows rows; the caller adds where q, k and v come from,
    /// their bias where it is not in them yet, and where q goes.
    RopeAppendParams ropeAppend(size_t index, const DeviceBuffer& rotations, int32_t nRows) const;
    /// Soft cap of logits (nRows, vocab); nothing where the model has none.
    Status capLogits(const LaunchContext& ctx, float* logits, int32_t nRows) const;
    /// x (nRows, hidden) += bias; nothing where there is none.
    Status addBias(const LaunchContext& ctx, const float* maybeBias, float* x, int32_t nRows) const;
};

}  // namespace spanscope::cuda
