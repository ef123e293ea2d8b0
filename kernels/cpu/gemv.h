// y = W x for one token or a few: the decode step's matrices.
//
// Bytes: each weight is read once, whatever its format; x stays in the first-level cache. Two operations per
// weight and token, so memory is the limit for anything larger than the last-level cache.
// A row's sum is formed by one thread in one fixed order, so neither threads nor batch size change it.
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"
#include "kernels/cpu/gemv_bytes.h"

namespace spanscope::cpu {

/// The inputs of one matrix, in the orders the formats want them. Arrays of (nItems, stride).
struct GemvInput {
    const float* x = nullptr;
    /// BF16: values 0, 2, 4, .. and 1, 3, 5, .. (a 32-bit load holds a pair; shift and mask split it).
    const float* even = nullptr;
    const float* odd = nullptr;
    /// Block formats: 16-bit integers, a scale for every 32 of them, and the sums of every 32 values of x.
    const int16_t* words = nullptr;
    const float* scales32 = nullptr;
    const float* sums32 = nullptr;
    /// Block formats where usesBytes says so, in place of words; by ByteOrder.
    ByteInput bytes[kByteOrders];
    size_t stride = 0;  ///< values from one item to the next; arrays by 32: stride / 32
    int32_t nItems = 0;
};

/// Owns the arrays of a GemvInput for up to `maxItems` inputs of up to `maxCols`.
class GemvInputBuffer {
  public:
    GemvInputBuffer(int64_t maxCols, int32_t maxItems);
    float* x(int32_t item) { return m_x.data() + static_cast<size_t>(item) * m_stride; }
    size_t stride() const { return m_stride; }
    /// Derives the other orders from x. mask says which formats follow (formatBit).
    GemvInput prepare(int64_t cols, int32_t nItems, uint32_t formats);
    static uint32_t formatBit(DType type) { return 1u << static_cast<uint32_t>(type); }
    size_t nBytes() const;

  private:
    size_t m_stride;
    LineVector<float> m_x, m_evenOdd;
    LineVector<int16_t> m_words;
    LineVector<float> m_scales, m_sums;
    ByteInputBuffer m_bytes[kByteOrders];
};

enum class Output { Store, Add };

/// Rows per chunk of a parallel section: 32 KB of weights or more, so that a chunk outweighs its claim, and a multiple
/// of 16, of row tiles and of the rows that byte products take together (gemv_bytes_rows-inl.h).
int64_t gemvChunkRows(const TensorView& w);

/// Rows [begin, end) of w: out[item * outStride + row] = (or +=) w[row] . x[item] + bias[row].
/// bias: (rows) or nullptr.
void gemvRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride);

}  // namespace spanscope::cpu
