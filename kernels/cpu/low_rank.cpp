// Two sums per block of 16 rows hide the latency of the multiply-adds; blocks are independent of each other.
// Rank 16 beside SmolLM2-135M's shape in Q4_1, 11.6 % more bytes (bench_adapter): a step takes 25 % more on one thread
// (of which A x takes 9 points) and 30 % more on two, where its sections count. Tried and dropped: asking for the rows
// of B before the matrix's own product.
#include "kernels/cpu/low_rank.h"

#include <algorithm>
#include <cstring>

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

HWY_INLINE V loadValues(const float* at) { return hn::LoadU(D(), at); }

HWY_INLINE V loadValues(const hwy::float16_t* at) {
    const hn::Rebind<hwy::float16_t, D> half;
    return hn::PromoteTo(D(), hn::LoadU(half, at));
}

/// The upper half of a float.
struct Bf16 {
    uint16_t bits;
};
HWY_INLINE V loadValues(const Bf16* at) {
    const hn::Rebind<uint16_t, D> half;
    const hn::RebindToUnsigned<D> whole;
    const auto bits = hn::LoadU(half, reinterpret_cast<const uint16_t*>(at));
    return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(whole, bits)));
}

template <class Stored>
void blockRows(const Stored* b, int64_t rank, float scale, int64_t begin, int64_t end, const float* h, size_t hStride,
               int32_t nItems, float* out, size_t outStride) {
    const D d;
    for (int64_t row = begin; row < end; row += kLowRankBlock) {
        const Stored* block = b + row * rank;
        const int64_t n = std::min(end - row, kLowRankBlock);
        for (int32_t item = 0; item < nItems; ++item) {
            const float* x = h + static_cast<size_t>(item) * hStride;
            float* y = out + static_cast<size_t>(item) * outStride + row;
            for (int64_t lane = 0; lane < n; lane += kLanes) {
                V even = hn::Zero(d), odd = hn::Zero(d);
                const Stored* at = block + lane;
                int64_t r = 0;
                for (; r + 2 <= rank; r += 2, at += 2 * kLowRankBlock) {
                    even = hn::MulAdd(loadValues(at), hn::Set(d, x[r]), even);
                    odd = hn::MulAdd(loadValues(at + kLowRankBlock), hn::Set(d, x[r + 1]), odd);
                }
                if (r < rank) even = hn::MulAdd(loadValues(at), hn::Set(d, x[r]), even);
                const V sum = hn::Mul(hn::Add(even, odd), hn::Set(d, scale));
                if (n - lane >= kLanes) {
                    hn::StoreU(hn::Add(hn::LoadU(d, y + lane), sum), d, y + lane);
                } else {
                    float tail[kLowRankBlock];
                    hn::StoreU(sum, d, tail);
                    for (int64_t i = 0; i < n - lane; ++i) y[lane + i] += tail[i];
                }
            }
        }
    }
}

void lowRankRows(DType type, const uint8_t* blocks, int64_t rank, float scale, int64_t begin, int64_t end,
                 const float* h, size_t hStride, int32_t nItems, float* out, size_t outStride) {
    if (type == DType::F16) {
        const auto* b = reinterpret_cast<const hwy::float16_t*>(blocks);
        blockRows(b, rank, scale, begin, end, h, hStride, nItems, out, outStride);
    } else if (type == DType::BF16) {
        const auto* b = reinterpret_cast<const Bf16*>(blocks);
        blockRows(b, rank, scale, begin, end, h, hStride, nItems, out, outStride);
    } else {
        const auto* b = reinterpret_cast<const float*>(blocks);
        blockRows(b, rank, scale, begin, end, h, hStride, nItems, out, outStride);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(lowRankRows);

void lowRankRows(DType type, const uint8_t* blocks, int64_t rank, float scale, int64_t begin, int64_t end,
                 const float* h, size_t hStride, int32_t nItems, float* out, size_t outStride) {
    HWY_DYNAMIC_DISPATCH(lowRankRows)
    (type, blocks, rank, scale, begin, end, h, hStride, nItems, out, outStride);
}

LowRankGroup::LowRankGroup(std::initializer_list<const LowRank*> parts) {
    int64_t nPresent = 0;
    bool sameType = true;
    for (const LowRank* part : parts) {
        Part& p = m_parts.emplace_back();
        p.first = m_a.rows;
        if (!*part) continue;
        if (nPresent++ == 0) m_a = part->a;
        else m_a.rows += part->a.rows;
        sameType = sameType && part->a.dtype == m_a.dtype;
        p.rank = part->a.rows;
        p.scale = part->scale;
        p.type = part->b.dtype;
        const size_t size = rowBytes(p.type, 1);
        const auto rank = static_cast<size_t>(p.rank), block = static_cast<size_t>(kLowRankBlock);
        const auto rows = static_cast<size_t>(part->b.rows);
        p.b.resize((rows + block - 1) / block * block * rank * size);
        const auto* from = static_cast<const uint8_t*>(part->b.data);
        for (size_t row = 0; row < rows; ++row)
            for (size_t r = 0; r < rank; ++r)
                std::memcpy(p.b.data() + (row / block * rank * block + r * block + row % block) * size,
                            from + (row * rank + r) * size, size);
    }
    if (nPresent < 2) return;
    if (!sameType) m_a.dtype = DType::F32;
    m_stacked.resize(m_a.nBytes());
    uint8_t* to = m_stacked.data();
    const size_t stride = rowBytes(m_a.dtype, m_a.cols);
    for (const LowRank* part : parts) {
        if (!*part) continue;
        if (sameType) std::memcpy(to, part->a.data, part->a.nBytes());
        for (int64_t r = 0; !sameType && r < part->a.rows; ++r)
            widenRow(part->a.dtype,
                     static_cast<const uint8_t*>(part->a.data) +
                         static_cast<size_t>(r) * rowBytes(part->a.dtype, part->a.cols),
                     0, part->a.cols, reinterpret_cast<float*>(to + static_cast<size_t>(r) * stride));
        to += static_cast<size_t>(part->a.rows) * stride;
    }
    m_a.data = m_stacked.data();
}

void LowRankGroup::add(size_t part, int64_t begin, int64_t end, const float* h, size_t hStride, int32_t nItems,
                       float* out, size_t outStride) const {
    if (!has(part)) return;
    const Part& p = m_parts[part];
    lowRankRows(p.type, p.b.data(), p.rank, p.scale, begin, end, h + p.first, hStride, nItems, out, outStride);
}

size_t LowRankGroup::nBytes() const {
    size_t n = m_stacked.size();
    for (const Part& p : m_parts) n += p.b.size();
    return n;
}

}  // namespace spanscope::cpu
#endif
