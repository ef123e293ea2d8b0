// A model's weights on the device: matrices in one 16- or 32-bit type, q/k/v and gate/up each joined into one, norms
// and biases in float32. Owned by the backend.
#pragma once

#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/step_types.h"

namespace spanscope::cuda {

struct DeviceLayer {
    const float* attnNorm = nullptr;
    const float* mlpNorm = nullptr;
    const void* qkv = nullptr;     ///< ((nHeads + 2 nKvHeads) headDim, hidden)
    const void* o = nullptr;       ///< (hidden, nHeads headDim)
    const void* gateUp = nullptr;  ///< (2 ffn, hidden)
    const void* down = nullptr;    ///< (hidden, ffn)
    const float* qkvBias = nullptr;
    const float* oBias = nullptr;
    const float* gateUpBias = nullptr;
    const float* downBias = nullptr;
};

class DeviceWeights {
  public:
    /// The type the matrices will have: theirs when all agree on F32, F16 or BF16; F16 when any is quantised (their
    /// scales are F16); else F32, which holds both 16-bit types exactly.
    static Element typeFor(const ModelWeights& weights);
    /// Bytes on the device.
    static size_t bytesFor(const ModelWeights& weights);

    /// Copies and converts. OutOfMemory, Cancelled (progress returned false), Device.
    Status load(const ModelWeights& weights, const LaunchContext& ctx, const ProgressFn& progress);

    Element type() const { return m_type; }
    const std::vector<DeviceLayer>& layers() const { return m_layers; }
    const void* embedding() const { return m_embedding; }
    const void* head() const { return m_head; }
    const float* finalNorm() const { return m_finalNorm; }
    const float* invFreq() const { return m_invFreq; }
    size_t nBytes() const { return m_memory.nBytes(); }

  private:
    Element m_type = Element::F32;
    DeviceBuffer m_memory;
    std::vector<DeviceLayer> m_layers;
    const void* m_embedding = nullptr;
    const void* m_head = nullptr;
    const float* m_finalNorm = nullptr;
    const float* m_invFreq = nullptr;
};

}  // namespace spanscope::cuda
