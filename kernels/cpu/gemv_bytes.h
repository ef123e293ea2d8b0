// Rows of the block formats times a token or a few, on processors with AVX-512 byte products (VNNI): up to twice the
// speed of the 16-bit products of gemv_blocks-inl.h. Called by gemv.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"

namespace spanscope::cpu {

struct GemvInput;
enum class Output;

/// What a step of 512 (ByteOrder::Nibbles) or 256 inputs has besides their bytes, for each of 16 lanes.
struct alignas(64) StepFactors {
    float scales[16];  ///< of the lane's 32 inputs
    int32_t sums[16];  ///< of the lane's inputs as integers
};

/// The inputs of one matrix as bytes. What a row lacks to whole steps is 0.
struct ByteInput {
    const int8_t* planes =
        nullptr;  ///< (nItems, planeStride): the high and the low byte of every value, gemv_bytes.cpp
    const StepFactors* factors = nullptr;  ///< (nItems, nSteps)
    size_t planeStride = 0, nSteps = 0;
};

/// How the inputs lie: as the weights of the formats do once their quants are bytes.
enum class ByteOrder : uint8_t {
    Nibbles,  ///< 16 bytes hold 32 values: Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS
    InOrder,  ///< Q8_0, Q6_K
    Q23_K,
    Q45_K,
    None,
};
inline constexpr size_t kByteOrders = 4;
ByteOrder byteOrder(DType type);

/// Rows that are no whole steps share steps with their neighbours: at most so many, of which each has inputs of its
/// own.
inline constexpr int64_t kMostStepsOfPeriod = 20;

/// Whether this path is taken here: the processor, and the instruction sets that hwy::SupportedTargets() leaves (tests
/// take some away; this path belongs to AVX3_DL). Slow: asks the processor.
bool usesBytes();

/// Owns the arrays of a ByteInput.
class ByteInputBuffer {
  public:
    /// For up to `maxItems` inputs of up to `maxCols`. Without it the buffer is empty.
    void reserve(ByteOrder order, int64_t maxCols, int32_t maxItems);
    bool usable() const { return !m_planes.empty(); }
    /// x (cols) becomes item `item`. cols: whole blocks of 32. Needs usable().
    void set(int32_t item, const float* x, int64_t cols);
    ByteInput view() const { return {m_planes.data(), m_factors.data(), m_planeStride, m_nSteps}; }
    size_t nBytes() const { return m_planes.size() + m_factors.size() * sizeof(StepFactors); }

  private:
    ByteOrder m_order = ByteOrder::None;
    size_t m_planeStride = 0, m_nSteps = 0;
    LineVector<int8_t> m_planes;
    LineVector<StepFactors> m_factors;
};

/// As gemvRows (gemv.h). Needs in.bytes of the order of w to be set.
void byteRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride);

}  // namespace spanscope::cpu
