// What an adapter adds to the products of a decode step: y += scale * B (A x).
//
// Bytes: each value of A and B once. The A of matrices that share an input are stacked, so that one product forms the
// A x of all of them; that of B belongs to the section that forms the matrix's own product. B lies in blocks of 16
// rows, (rows / 16, rank, 16): its rows are too short for a dot product each, so vector lanes are rows, and memory is
// read as one stream.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"

namespace spanscope::cpu {

/// The adapters of matrices that share an input, in their order. Owns what it lays out anew.
class LowRankGroup {
  public:
    LowRankGroup() = default;
    /// Absent ones count. Their memory outlives the group.
    explicit LowRankGroup(std::initializer_list<const LowRank*> parts);
    LowRankGroup(LowRankGroup&&) noexcept = default;
    LowRankGroup& operator=(LowRankGroup&&) noexcept = default;

    bool empty() const { return m_a.rows == 0; }
    /// (sum of the ranks, columns).
    const TensorView& a() const { return m_a; }
    int64_t rank() const { return m_a.rows; }
    /// The values of A x that belong to a part begin here.
    int64_t firstOf(size_t part) const { return m_parts[part].first; }
    bool has(size_t part) const { return !empty() && m_parts[part].rank > 0; }

    /// Rows [begin, end) of a part's matrix: out[item * outStride + row] += scale * b[row] . h[item]. begin is a
    /// multiple of 16. h: (nItems, hStride), A x of the whole group. Nothing where the part is absent.
    void add(size_t part, int64_t begin, int64_t end, const float* h, size_t hStride, int32_t nItems, float* out,
             size_t outStride) const;
    size_t nBytes() const;

  private:
    struct Part {
        int64_t first = 0, rank = 0;
        float scale = 1;
        DType type = DType::F32;
        LineVector<uint8_t> b;  ///< (whole blocks of rows, rank, 16); rows beyond the matrix are 0
    };
    TensorView m_a;
    LineVector<uint8_t> m_stacked;  ///< what m_a views where more than one part is there
    std::vector<Part> m_parts;
};

inline constexpr int64_t kLowRankBlock = 16;

/// Rows [begin, end) of blocks as LowRankGroup keeps them; arguments as LowRankGroup::add().
void lowRankRows(DType type, const uint8_t* blocks, int64_t rank, float scale, int64_t begin, int64_t end,
                 const float* h, size_t hStride, int32_t nItems, float* out, size_t outStride);

}  // namespace spanscope::cpu
