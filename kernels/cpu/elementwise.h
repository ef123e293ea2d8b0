// The small steps between matrices. Decode versions take one token (contiguous), panel versions take a panel of
// up to 64 tokens, feature-major (feature, 64), and compute `columns` of them (a multiple of 16).
#pragma once

#include <cstdint>
#include <span>

namespace spanscope::cpu {

/// out = x / sqrt(mean(x^2) + eps) * gain, or out += that; all (n). x and out may be the same.
void rmsNorm(const float* x, const float* gain, int64_t n, float eps, float* out);
void rmsNormAdd(const float* x, const float* gain, int64_t n, float eps, float* out);
void rmsNormPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out);
void rmsNormAddPanel(const float* x, const float* gain, int64_t n, float eps, int64_t columns, float* out);

/// Which values of a head are turned: the first 2 * nPairs, by (i, i + nPairs) or interleaved by (2i, 2i + 1).
struct RopePairs {
    int64_t headDim = 0;
    int64_t nPairs = 0;  ///< 0: none is turned
    bool interleaved = false;
};
/// Turns one head (headDim) by the angles whose cosines and sines are given (nPairs), and scales all of it.
void rope(float* head, RopePairs pairs, const float* cosines, const float* sines, float scale);
/// cosines, sines: (nPairs, 64).
void ropePanel(float* head, RopePairs pairs, const float* cosines, const float* sines, float scale, int64_t columns);

/// gate = activated(gate) * up; (n), n of any size. For the gates of Activation, which says the formulas.
void siluMul(float* gate, const float* up, int64_t n);
void geluTanhMul(float* gate, const float* up, int64_t n);

/// x = cap * tanh(x / cap); (n).
void softcap(float* x, int64_t n, float cap);

/// The largest of a range of logits, the first of equals, and what the range adds to a softmax.
struct LogitRange {
    float largest = 0;
    int32_t index = 0;  ///< of the largest
    float sum = 0;      ///< of exp(x - largest)
};
/// Logits of a range at most, so that threads share a row.
inline constexpr int64_t kLogitRange = 8192;
/// Logits [first, first + n) of one row; n > 0.
LogitRange logitRange(const float* row, int64_t first, int64_t n);

struct BestLogit {
    int32_t index = 0;
    float logprob = 0;  ///< natural log of its softmax probability
};
/// From the ranges of a row, in order; at least one.
BestLogit bestLogit(std::span<const LogitRange> ranges);

}  // namespace spanscope::cpu
