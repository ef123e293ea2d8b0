// The small steps between matrices. Decode versions take one token (contiguous), panel versions take a panel of
// up to 64 tokens, feature-major (feature, 64), and compute `columns` of them (a multiple of 16).
#pragma once

#include <cstdint>

namespace spanscope::cpu {

/// out = x / sqrt(mean(x^2) + eps) * gain; all (n).
void rmsNorm(const float* x, const float* gain, int64_t n, float eps, float* out);
void rmsNormPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out);

/// Rotates pairs of one head (headDim) by the angles whose cosines and sines are given (headDim / 2), then scales.
void rope(float* head, int32_t headDim, bool interleaved, const float* cosines, const float* sines, float scale);
/// cosines, sines: (headDim / 2, 64).
void ropePanel(float* head, int32_t headDim, bool interleaved, const float* cosines, const float* sines, float scale,
               int64_t columns);

/// gate = gate / (1 + exp(-gate)) * up; (n), n of any size.
void siluMul(float* gate, const float* up, int64_t n);

/// x += y
void addTo(float* x, const float* y, int64_t n);

struct BestLogit {
    int32_t index = 0;
    float logprob = 0;  ///< natural log of its softmax probability
};
BestLogit bestLogit(const float* logits, int64_t n);

}  // namespace spanscope::cpu
