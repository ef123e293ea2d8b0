// The small kernels around the matrix products: normalisation, rotation and KV append, activation, sampling, probe.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"

namespace spanscope::cuda {

struct RmsNormParams {
    const float* x = nullptr;     ///< (rows, hidden)
    const float* gain = nullptr;  ///< (hidden)
    void* y = nullptr;            ///< (rows, hidden) in type
    Element type = Element::F32;
    int32_t hidden = 0;  ///< multiple of 4
    float eps = 0.f;
    WeightPrefetch prefetch;  ///< what the next kernel reads
};
cudaError_t launchRmsNorm(const LaunchContext& ctx, RmsNormParams params, int32_t nRows);

/// Where row i's token is stored: of a decode step (batch rows) or of a prefill chunk (one sequence, from position0).
struct RopeAppendParams {
    const void* qkv = nullptr;  ///< (rows, (nHeads + 2 nKvHeads) headDim) in inType
    Element inType = Element::F32;
    const float* bias = nullptr;       ///< ((nHeads + 2 nKvHeads) headDim) or absent
    const float2* rotation = nullptr;  ///< (rows, headDim/2)
    void* q = nullptr;                 ///< (rows, nHeads, headDim) in qType
    Element qType = Element::F32;
    void* kv = nullptr;  ///< the layer's pool
    Element kvType = Element::F32;
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0, interleaved = 0;
    const BatchRow* batchRows = nullptr;
    const int32_t* table = nullptr;
    int32_t position0 = 0;
};
cudaError_t launchRopeAppend(const LaunchContext& ctx, const RopeAppendParams& params, int32_t nRows);

struct SiluMulParams {
    const void* gateUp = nullptr;  ///< (rows, 2 ffn) in inType
    Element inType = Element::F32;
    const float* bias = nullptr;  ///< (2 ffn) or absent
    void* y = nullptr;            ///< (rows, ffn) in outType
    Element outType = Element::F32;
    int32_t ffn = 0;          ///< multiple of 4
    WeightPrefetch prefetch;  ///< what the next kernel reads
};
cudaError_t launchSiluMul(const LaunchContext& ctx, SiluMulParams params, int32_t nRows);

struct AddBiasParams {
    float* x = nullptr;           ///< (rows, n)
    const float* bias = nullptr;  ///< (n)
    int32_t n = 0;
};
cudaError_t launchAddBias(const LaunchContext& ctx, const AddBiasParams& params, int32_t nRows);

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
    float* x = nullptr;  ///< (rows, hidden)
    int32_t hidden = 0;
    const float* invFreq = nullptr;  ///< (halfDim)
    float2* rotation = nullptr;      ///< (rows, halfDim)
    int32_t halfDim = 0;
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
    float scale = 0.f;
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
