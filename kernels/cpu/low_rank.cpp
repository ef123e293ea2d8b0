// Rank 16 in BF16 beside SmolLM2-135M's shape in Q4_1, 11.6 % more bytes (bench_adapter), percent that a step takes
// more on one thread and on two. With the weights in pages of 4 KB: 12 and 8; with a section of its own for A x and
// rows of A as dot products 25 and 22: half of it was A, whose rows begin with a wait for memory each, half the cold
// start of each piece of B, a few lines behind 32 KB of weights; large pages are worth 4 points. With the weights in
// large pages too (weight_copies.h) a step takes a third of the time, and A at the rate of memory was half of the
// adapter's cost, while one thread multiplies weights slower than it could read: asked for during the section before, A
// costs 11.8 in place of 13.5, and 14.5 in place of 17.0 where other programs ran beside. Tried and dropped: asking for
// A while it is multiplied, 1 KB ahead (with the former 13.6 and 15.4) or 12 KB (alone 14.4 and 11.7), and for all of a
// chunk's B at once, in place of some lines at a time while the weights are read.
#include "kernels/cpu/low_rank.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/widen.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/low_rank.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Two columns of a block of 16 rows lie together; load() gives kLanes rows of both.
struct PairF32 {
    static constexpr int64_t kBytes = 128;
    static HWY_INLINE void load(const uint8_t* pair, int lane, V& a, V& b) {
        const auto* p = reinterpret_cast<const float*>(pair) + lane;
        a = hn::LoadU(D(), p);
        b = hn::LoadU(D(), p + 16);
    }
};

struct PairF16 {
    static constexpr int64_t kBytes = 64;
    static HWY_INLINE void load(const uint8_t* pair, int lane, V& a, V& b) {
        const hn::Rebind<hwy::float16_t, D> half;
        const auto* p = reinterpret_cast<const hwy::float16_t*>(pair) + lane;
        a = hn::PromoteTo(D(), hn::LoadU(half, p));
        b = hn::PromoteTo(D(), hn::LoadU(half, p + 16));
    }
};

/// The columns take turns: a 32-bit lane holds both of a row.
struct PairBf16 {
    static constexpr int64_t kBytes = 64;
    static HWY_INLINE void load(const uint8_t* pair, int lane, V& a, V& b) {
        const hn::RebindToUnsigned<D> bits;
        const auto both = hn::LoadU(bits, reinterpret_cast<const uint32_t*>(pair) + lane);
        a = hn::BitCast(D(), hn::ShiftLeft<16>(both));
        b = hn::BitCast(D(), hn::And(both, hn::Set(bits, 0xffff0000u)));
    }
};

/// sums[0, 16) = x . nPairs pairs of a block, of which the last lacks its second column where `odd`. Eight sums hide
/// the latency of the multiply-adds.
template <class P>
void multiplyBlock(const uint8_t* pairs, int64_t nPairs, bool odd, const float* x, float* sums) {
    const D d;
    const int64_t nWhole = nPairs - (odd ? 1 : 0);
    for (int lane = 0; lane < 16; lane += kLanes) {
        V sum[8], a, b;
#pragma GCC unroll 8
        for (V& s : sum) s = hn::Zero(d);
        const uint8_t* at = pairs;
        int64_t i = 0;
        for (; i + 4 <= nWhole; i += 4) {
#pragma GCC unroll 4
            for (int j = 0; j < 4; ++j, at += P::kBytes) {
                P::load(at, lane, a, b);
                sum[2 * j] = hn::MulAdd(a, hn::Set(d, x[2 * (i + j)]), sum[2 * j]);
                sum[2 * j + 1] = hn::MulAdd(b, hn::Set(d, x[2 * (i + j) + 1]), sum[2 * j + 1]);
            }
        }
        for (; i < nPairs; ++i, at += P::kBytes) {
            P::load(at, lane, a, b);
            sum[0] = hn::MulAdd(a, hn::Set(d, x[2 * i]), sum[0]);
            if (i < nWhole) sum[1] = hn::MulAdd(b, hn::Set(d, x[2 * i + 1]), sum[1]);
        }
        const V left = hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
        const V right = hn::Add(hn::Add(sum[4], sum[5]), hn::Add(sum[6], sum[7]));
        hn::StoreU(hn::Add(left, right), d, sums + lane);
    }
}

void lowRankMultiply(DType type, const uint8_t* pairs, int64_t nPairs, bool odd, const float* x, float* sums) {
    if (type == DType::F16) multiplyBlock<PairF16>(pairs, nPairs, odd, x, sums);
    else if (type == DType::BF16) multiplyBlock<PairBf16>(pairs, nPairs, odd, x, sums);
    else multiplyBlock<PairF32>(pairs, nPairs, odd, x, sums);
}

/// y[0, n) += blocks of 16 rows, nPairs pairs of h each.
template <class P>
void addBlocks(const uint8_t* at, int64_t nPairs, int64_t n, const float* h, float* y) {
    const D d;
    for (int64_t row = 0; row < n; row += 16, at += nPairs * P::kBytes) {
        for (int lane = 0; lane < std::min<int64_t>(n - row, 16); lane += kLanes) {
            V even = hn::Zero(d), odd = hn::Zero(d), a, b;
            for (int64_t r = 0; r < nPairs; ++r) {
                P::load(at + r * P::kBytes, lane, a, b);
                even = hn::MulAdd(a, hn::Set(d, h[2 * r]), even);
                odd = hn::MulAdd(b, hn::Set(d, h[2 * r + 1]), odd);
            }
            const V sum = hn::Add(even, odd);
            float* to = y + row + lane;
            if (n - row - lane >= kLanes) {
                hn::StoreU(hn::Add(hn::LoadU(d, to), sum), d, to);
            } else {
                float tail[16];
                hn::StoreU(sum, d, tail);
                for (int64_t i = 0; i < n - row - lane; ++i) to[i] += tail[i];
            }
        }
    }
}

void lowRankAdd(DType type, const uint8_t* blocks, int64_t nPairs, int64_t n, const float* h, float* y) {
    if (type == DType::F16) addBlocks<PairF16>(blocks, nPairs, n, h, y);
    else if (type == DType::BF16) addBlocks<PairBf16>(blocks, nPairs, n, h, y);
    else addBlocks<PairF32>(blocks, nPairs, n, h, y);
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(lowRankMultiply);
HWY_EXPORT(lowRankAdd);

namespace {

/// Bytes of a piece of A: enough that taking it costs nothing beside it, few enough that threads end together.
constexpr size_t kPieceBytes = 8 << 10;
constexpr int64_t kMostPieces = 32;

size_t valueBytes(DType type) { return type == DType::F32 ? 4 : 2; }
size_t pairBytes(DType type) { return 32 * valueBytes(type); }
int64_t pairsOf(int64_t n) { return (n + 1) / 2; }
int64_t blocksOf(int64_t rows) { return (rows + 15) / 16; }

void prefetchLines(const uint8_t* memory, size_t begin, size_t end) {
    for (size_t at = begin; at < end; at += 64) __builtin_prefetch(memory + at, 0, 2);
}

/// Where a value of a pair lies: `second` of its two columns.
size_t placeInPair(DType type, size_t row, bool second) {
    return valueBytes(type) * (type == DType::BF16 ? 2 * row + second : row + 16 * second);
}

}  // namespace

LowRankGroup::LowRankGroup(std::initializer_list<const LowRank*> parts) {
    bool sameType = true;
    for (const LowRank* part : parts) {
        Part& p = m_parts.emplace_back();
        if (!*part) continue;
        if (m_rank == 0) m_type = part->a.dtype;
        sameType = sameType && part->a.dtype == m_type;
        p = {*part, m_rank, part->a.rows, m_finished, m_rows, part->scale, part->b.dtype};
        m_rows += part->b.rows;
        m_rank += p.rank;
        m_finished += 2 * pairsOf(p.rank);
        m_cols = part->a.cols;
    }
    if (m_rank == 0) return;
    if (!sameType) m_type = DType::F32;
    m_blocks = blocksOf(m_rank);

    const size_t bytesOfPair = pairBytes(m_type) * static_cast<size_t>(m_blocks);
    const int64_t nPairs = pairsOf(m_cols);
    const auto wanted = static_cast<int64_t>(static_cast<size_t>(nPairs) * bytesOfPair / kPieceBytes);
    const int64_t nPieces = std::clamp<int64_t>(wanted, 1, std::min(kMostPieces, nPairs));
    for (int64_t i = 0; i < nPieces; ++i) {
        const int64_t first = nPairs * i / nPieces, n = nPairs * (i + 1) / nPieces - first;
        m_pieces.push_back({first, n, m_nBytes});
        m_nBytes += static_cast<size_t>(n) * bytesOfPair;
    }
    m_aBytes = m_nBytes;
    for (Part& p : m_parts) {
        p.b = m_nBytes;
        if (p.rank > 0)
            m_nBytes += static_cast<size_t>(blocksOf(p.source.b.rows) * pairsOf(p.rank)) * pairBytes(p.type);
    }
}

void LowRankGroup::place(uint8_t* memory) {
    m_memory = memory;
    for (const Part& part : m_parts) {
        if (part.rank == 0) continue;
        placeA(part);
        placeB(part);
    }
}

void LowRankGroup::precede(const LowRankGroup& next) {
    m_nextA = next.m_memory;
    m_nextABytes = next.m_aBytes;
}

void LowRankGroup::placeA(const Part& part) {
    const TensorView& a = part.source.a;
    const size_t size = valueBytes(m_type), stride = rowBytes(a.dtype, a.cols);
    std::vector<uint8_t> row(static_cast<size_t>(a.cols) * size);
    for (int64_t r = 0; r < a.rows; ++r) {
        const uint8_t* from = static_cast<const uint8_t*>(a.data) + static_cast<size_t>(r) * stride;
        if (a.dtype == m_type) std::memcpy(row.data(), from, row.size());
        else widenRow(a.dtype, from, 0, a.cols, reinterpret_cast<float*>(row.data()));
        const auto at = static_cast<size_t>(part.firstRow + r);
        for (const Piece& piece : m_pieces) {
            uint8_t* block = m_memory + piece.at + at / 16 * static_cast<size_t>(piece.nPairs) * pairBytes(m_type);
            const int64_t first = 2 * piece.firstPair, last = std::min(a.cols, first + 2 * piece.nPairs);
            for (int64_t c = first; c < last; ++c)
                std::memcpy(block + static_cast<size_t>((c - first) / 2) * pairBytes(m_type) +
                                placeInPair(m_type, at % 16, c % 2 != 0),
                            row.data() + static_cast<size_t>(c) * size, size);
        }
    }
}

void LowRankGroup::placeB(const Part& part) {
    const TensorView& b = part.source.b;
    const size_t size = valueBytes(b.dtype), pair = pairBytes(b.dtype);
    const auto rank = static_cast<size_t>(part.rank), nPairs = static_cast<size_t>(pairsOf(part.rank));
    for (size_t row = 0; row < static_cast<size_t>(b.rows); ++row)
        for (size_t r = 0; r < rank; ++r)
            std::memcpy(
                m_memory + part.b + (row / 16 * nPairs + r / 2) * pair + placeInPair(b.dtype, row % 16, r % 2 != 0),
                static_cast<const uint8_t*>(b.data) + (row * rank + r) * size, size);
}

size_t LowRankGroup::scratch() const { return m_pieces.size() * sumsOfPiece() + static_cast<size_t>(m_finished); }

void LowRankGroup::multiplyPiece(int32_t index, const float* x, size_t xStride, int32_t nItems, float* sums) const {
    const Piece& piece = m_pieces[static_cast<size_t>(index)];
    const bool odd = 2 * (piece.firstPair + piece.nPairs) > m_cols;
    const size_t blockBytes = static_cast<size_t>(piece.nPairs) * pairBytes(m_type);
    sums += static_cast<size_t>(index) * sumsOfPiece();
    for (int32_t item = 0; item < nItems; ++item, x += xStride, sums += scratch()) {
        const uint8_t* pairs = m_memory + piece.at;
        for (int64_t block = 0; block < m_blocks; ++block, pairs += blockBytes) {
            const float* from = x + 2 * piece.firstPair;
            HWY_DYNAMIC_DISPATCH(lowRankMultiply)(m_type, pairs, piece.nPairs, odd, from, sums + block * 16);
        }
    }
}

void LowRankGroup::finish(int32_t nItems, float* sums) const {
    for (int32_t item = 0; item < nItems; ++item, sums += scratch()) {
        float* out = sums + m_pieces.size() * sumsOfPiece();
        for (const Part& part : m_parts) {
            for (int64_t r = 0; r < part.rank; ++r) {
                const float* of = sums + part.firstRow + r;
                float sum = of[0];
                for (size_t piece = 1; piece < m_pieces.size(); ++piece) sum += of[piece * sumsOfPiece()];
                out[part.first + r] = part.scale * sum;
            }
            if (part.rank % 2 != 0) out[part.first + part.rank] = 0;
        }
    }
}

void LowRankGroup::prefetch(size_t part, int64_t begin, int64_t end) const {
    if (!has(part)) return;
    const Part& p = m_parts[part];
    const size_t block = static_cast<size_t>(pairsOf(p.rank)) * pairBytes(p.type);
    const uint8_t* own = m_memory + p.b;
    prefetchLines(own, static_cast<size_t>(begin / 16) * block, static_cast<size_t>(blocksOf(end)) * block);
    const auto lineOfNext = [&](int64_t row) {
        return m_nextABytes / 64 * static_cast<size_t>(p.rowsBefore + row) / static_cast<size_t>(m_rows) * 64;
    };
    prefetchLines(m_nextA, lineOfNext(begin), lineOfNext(end));
}

void LowRankGroup::add(size_t part, int64_t begin, int64_t end, const float* sums, int32_t nItems, float* out,
                       size_t outStride) const {
    if (!has(part)) return;
    const Part& p = m_parts[part];
    const int64_t nPairs = pairsOf(p.rank);
    const uint8_t* blocks = m_memory + p.b + static_cast<size_t>(begin / 16 * nPairs) * pairBytes(p.type);
    const float* h = sums + m_pieces.size() * sumsOfPiece() + p.first;
    for (int32_t item = 0; item < nItems; ++item, h += scratch(), out += outStride)
        HWY_DYNAMIC_DISPATCH(lowRankAdd)(p.type, blocks, nPairs, end - begin, h, out + begin);
}

void LowRankSection::begin() {
    const int32_t nPieces = m_group.nPieces();
    while (m_next.load(std::memory_order_relaxed) < nPieces) {
        const int32_t piece = m_next.fetch_add(1, std::memory_order_relaxed);
        if (piece >= nPieces) return;
        m_group.multiplyPiece(piece, m_x, m_xStride, m_nItems, m_scratch);
        if (m_done.fetch_add(1, std::memory_order_acq_rel) + 1 < nPieces) continue;
        m_group.finish(m_nItems, m_scratch);
        m_ready.store(true, std::memory_order_release);
    }
}

void LowRankSection::add(size_t part, int64_t begin, int64_t end, float* out, size_t outStride) const {
    if (!m_group.has(part)) return;
    for (int spins = 0; !m_ready.load(std::memory_order_acquire); ++spins) spinOrYield(spins);
    m_group.add(part, begin, end, m_scratch, m_nItems, out, outStride);
}

}  // namespace spanscope::cpu
#endif
