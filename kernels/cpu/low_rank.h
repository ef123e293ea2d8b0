// What an adapter adds to the products of a decode step: y += scale * B (A x).
//
// Bytes: each value of A and B once, in one stream a group. A lies in blocks of 16 of its rows, column by column, and B
// in blocks of 16 rows, so that vector lanes are rows and no sum goes across lanes. Both belong to the section of the
// matrices' own product (LowRankSection): the threads share A by pieces of its columns before they begin, and add B (A
// x) to the rows they have formed, by when A x is there.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"

namespace spanscope::cpu {

/// The adapters of matrices that share an input, in their order.
class LowRankGroup {
  public:
    LowRankGroup() = default;
    /// Absent ones count. Nothing else works before place().
    explicit LowRankGroup(std::initializer_list<const LowRank*> parts);
    /// Lays A and B out anew. memory: nBytes(), zeros; it outlives the group.
    void place(uint8_t* memory);
    /// The group whose section is the next one; both are placed.
    void precede(const LowRankGroup& next);

    bool empty() const { return m_rank == 0; }
    int64_t rank() const { return m_rank; }  ///< of all parts together
    bool has(size_t part) const { return !empty() && m_parts[part].rank > 0; }
    int32_t nPieces() const { return static_cast<int32_t>(m_pieces.size()); }
    /// Floats that A x of one input takes while it is formed: the sums of each piece, then A x.
    size_t scratch() const;

    /// x . piece of A, for each input. x: (nItems, xStride), scratch: (nItems, scratch()).
    void multiplyPiece(int32_t piece, const float* x, size_t xStride, int32_t nItems, float* scratch) const;
    /// Adds up what the pieces gave: the same whoever formed them.
    void finish(int32_t nItems, float* scratch) const;
    /// Asks for what add() of these rows will read, and for their share of the next group's A.
    void prefetch(size_t part, int64_t begin, int64_t end) const;
    /// Rows [begin, end) of a part's matrix: out[item * outStride + row] += B A x. begin is a multiple of 16. Nothing
    /// where the part is absent.
    void add(size_t part, int64_t begin, int64_t end, const float* scratch, int32_t nItems, float* out,
             size_t outStride) const;
    size_t nBytes() const { return m_nBytes; }

  private:
    struct Part {
        LowRank source;
        int64_t firstRow = 0, rank = 0;  ///< of A
        int64_t first = 0;               ///< of A x as finish() leaves it: even
        int64_t rowsBefore = 0;          ///< of B, in the parts before
        float scale = 1;
        DType type = DType::F32;
        size_t b = 0;  ///< where its blocks begin: (blocks of 16 rows, pairs of ranks, 2 x 16)
    };
    struct Piece {
        int64_t firstPair, nPairs;  ///< of columns
        size_t at;                  ///< where it begins: (blocks of 16 rows of A, nPairs, 2 x 16)
    };
    void placeA(const Part& part);
    void placeB(const Part& part);
    size_t sumsOfPiece() const { return static_cast<size_t>(m_blocks) * 16; }
    int64_t m_rank = 0, m_blocks = 0, m_cols = 0, m_finished = 0, m_rows = 0;
    DType m_type = DType::F32;  // of A
    std::vector<Part> m_parts;
    std::vector<Piece> m_pieces;
    size_t m_nBytes = 0, m_aBytes = 0;
    uint8_t* m_memory = nullptr;  // pieces of A, then B of each part
    const uint8_t* m_nextA = nullptr;
    size_t m_nextABytes = 0;
};

/// A group in one parallel section. No thread waits for one that has not come yet: who comes first does all of A x.
class LowRankSection {
  public:
    /// The arguments outlive the section. x: (nItems, xStride); scratch: (nItems, group.scratch()).
    LowRankSection(const LowRankGroup& group, const float* x, size_t xStride, int32_t nItems, float* scratch)
        : m_group(group), m_x(x), m_xStride(xStride), m_nItems(nItems), m_scratch(scratch) {}
    bool has(size_t part) const { return m_group.has(part); }
    /// Before a thread's own rows: takes pieces of A until none is left.
    void begin();
    void prefetch(size_t part, int64_t begin, int64_t end) const { m_group.prefetch(part, begin, end); }
    /// Behind them: waits for the pieces that other threads have taken, and adds.
    void add(size_t part, int64_t begin, int64_t end, float* out, size_t outStride) const;

  private:
    const LowRankGroup& m_group;
    const float* m_x;
    size_t m_xStride;
    int32_t m_nItems;
    float* m_scratch;
    alignas(64) std::atomic<int32_t> m_next{0};
    std::atomic<int32_t> m_done{0};
    std::atomic<bool> m_ready{false};
};

}  // namespace spanscope::cpu
