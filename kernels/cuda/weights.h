// A model's weights on the device: matrices in one 16- or 32-bit type or as Q8_0 and Q4_0 blocks, q/k/v and gate/up
// each joined into one, norms and biases in float32. Owned by the backend.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"

namespace spanscope::cuda {

/// Nothing for block formats.
std::optional<Element> elementOf(DType dtype);
DType dtypeOf(Element element);

struct DeviceLayer {
    const float* attnNorm = nullptr;      ///< absent: the layer's input is multiplied as it is
    const float* mlpNorm = nullptr;       ///< absent: likewise
    const float* qNorm = nullptr;         ///< QK-norm, or absent
    const float* kNorm = nullptr;         ///< present where qNorm is
    const float* postAttnNorm = nullptr;  ///< of o's product, or absent
    const float* postMlpNorm = nullptr;   ///< of down's product, or absent
    DeviceMatrix qkv;                     ///< ((nHeads + 2 nKvHeads) headDim, hidden)
    DeviceMatrix o;                       ///< (hidden, nHeads headDim)
    DeviceMatrix gateUp;                  ///< (2 ffn, hidden)
    DeviceMatrix down;                    ///< (hidden, ffn)
    std::array<const DeviceMatrix*, 4> matrices() const { return {&qkv, &o, &gateUp, &down}; }
    const float* qkvBias = nullptr;
    const float* oBias = nullptr;
    const float* gateUpBias = nullptr;
    const float* downBias = nullptr;
};

class DeviceWeights {
  public:
    /// The type of Plain matrices and of what is multiplied with them: cudaMatrixType(). Q8_0 and Q4_0 stay what they
    /// are, other block formats become Plain; so does a joined matrix whose parts differ, and a matrix to which an
    /// adapter adds or whose rows it replaces: it is merged in float32 while it is copied.
    static Element typeFor(const ModelWeights& weights);
    /// Bytes on the device.
    static size_t bytesFor(const ModelWeights& weights);
    /// Bytes of the largest matrix in blocks when it is widened; 0 where all are Plain.
    static size_t widenedBytesFor(const ModelWeights& weights);

    /// Copies and converts. OutOfMemory, Cancelled (progress returned false), Device.
    Status load(const ModelWeights& weights, const LaunchContext& ctx, const ProgressFn& progress);

    Element type() const { return m_type; }
    const std::vector<DeviceLayer>& layers() const { return m_layers; }
    const DeviceMatrix& embedding() const { return m_embedding; }
    const DeviceMatrix& head() const { return m_head; }
    const float* finalNorm() const { return m_finalNorm; }
    /// As RotationParams::frequencies.
    const float2* frequencies() const { return m_frequencies; }
    size_t nBytes() const { return m_memory.nBytes(); }

  private:
    Element m_type = Element::F32;
    DeviceBuffer m_memory;
    std::vector<DeviceLayer> m_layers;
    DeviceMatrix m_embedding, m_head;
    const float* m_finalNorm = nullptr;
    const float2* m_frequencies = nullptr;
};

}  // namespace spanscope::cuda
