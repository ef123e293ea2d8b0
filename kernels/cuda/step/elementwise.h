// The small kernels around the matrix products: activation, biases, embedding, soft cap, sampling, probe. Norms:
// norms.h. Rotation and KV append: rope_append.h.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"
#include "kernels/cuda/step/rotations.h"

namespace spanscope::cuda {

struct GatedMulParams {
    const void* gateUp = nullptr;  ///< (rows, 2 ffn) in inType
    Element inType = Element::F32;
    const float* bias = nullptr;  ///< (2 ffn) or absent
    void* y = nullptr;            ///< (rows, ffn) in outType
    Element outType = Element::F32;
    int32_t gelu = 0;         ///< 0: SiLU of gate, 1: GELU in its tanh form
    int32_t ffn = 0;          ///< multiple of 4
    WeightPrefetch prefetch;  ///< what the next kernel reads
};
cudaError_t launchGatedMul(const LaunchContext& ctx, GatedMulParams params, int32_t nRows);

struct AddBiasParams {
    float* x = nullptr;           ///< (rows, n)
    const float* bias = nullptr;  ///< (n)
    int32_t n = 0;
};
cudaError_t launchAddBias(const LaunchContext& ctx, const AddBiasParams& params, int32_t nRows);

/// x = cap tanh(x / cap), in place.
struct SoftcapParams {
    float* x = nullptr;  ///< (n)
    int64_t n = 0;
    float cap = 0.f;
};
cudaError_t launchSoftcap(const LaunchContext& ctx, const SoftcapParams& params);

struct ArgmaxParams {
    const float* logits = nullptr;  ///< (rows, vocab)
    StepResult* results = nullptr;  ///< (rows) mapped host memory
    int32_t vocab = 0;
};
cudaError_t launchArgmax(const LaunchContext& ctx, const ArgmaxParams& params, int32_t nRows);

struct EmbedParams {
    const int32_t* tokens = nullptr;  ///< (rows)
    DeviceMatrix embedding;           ///< (vocab, hidden)
    Element type = Element::F32;
    float scale = 1.f;   ///< of the embedding's values
    float* x = nullptr;  ///< (rows, hidden)
    int32_t hidden = 0;
    RotationParams rotations;
    int32_t longRope = 0;  ///< 1: the long form of the angles
    int32_t position0 = 0;
};
cudaError_t launchEmbed(const LaunchContext& ctx, const EmbedParams& params, int32_t nRows);

struct ConvertParams {
    const void* from = nullptr;
    Element fromType = Element::F32;
    void* to = nullptr;
    Element toType = Element::F32;
    int64_t n = 0;
};
cudaError_t launchConvert(const LaunchContext& ctx, const ConvertParams& params);

/// A matrix in blocks, dequantised for products that take Plain ones only.
struct WidenParams {
    DeviceMatrix from;
    void* to = nullptr;  ///< (rows, cols) in toType
    Element toType = Element::F16;
};
cudaError_t launchWiden(const LaunchContext& ctx, const WidenParams& params);

/// Attention probabilities of row 0 for one layer: softmax over the kept tokens, 0 elsewhere.
struct ProbeProbsParams {
    const BatchRow* rows = nullptr;
    const float* q = nullptr;  ///< (nHeads, headDim)
    const void* kv = nullptr;
    Element kvType = Element::F32;
    const int32_t* table = nullptr;  ///< logical page -> page
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    float scale = 0.f, softcap = 0.f;
    float* probs = nullptr;  ///< (nHeads, nTokens)
    int32_t nTokens = 0;     ///< position + 1
};
cudaError_t launchProbeProbs(const LaunchContext& ctx, const ProbeProbsParams& params);

/// Keys and values of one token in all layers: pool -> saved, or back.
struct TokenKvParams {
    void* kv = nullptr;     ///< pool of layer 0
    void* saved = nullptr;  ///< (nLayers, nKvHeads, 2, headDim)
    Element kvType = Element::F32;
    size_t layerElements = 0;  ///< from one layer's pool to the next
    int32_t page = 0, slot = 0, nKvHeads = 0, headDim = 0, restore = 0;
};
cudaError_t launchTokenKv(const LaunchContext& ctx, const TokenKvParams& params, int32_t nLayers);

/// Copies nBytes (multiple of 16) by a kernel: the measure of memory bandwidth.
cudaError_t launchCopy(const LaunchContext& ctx, void* to, const void* from, size_t nBytes);

/// Deterministic noise in [-scale, scale): content for measurements that need a full cache and not a real one.
struct NoiseParams {
    void* to = nullptr;
    Element type = Element::F32;
    int64_t n = 0;
    uint32_t seed = 1;
    float scale = 1.f;
};
cudaError_t launchNoise(const LaunchContext& ctx, const NoiseParams& params);

}  // namespace spanscope::cuda
