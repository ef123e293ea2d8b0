// Idea: as many additions in flight as the multiply-add units want, and as few memory streams as possible; several
// tokens share each widened weight.
#include "kernels/cpu/gemv.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemv.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/gemv_blocks-inl.h"
#include "kernels/cpu/gemv_plain-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {

struct RowJob {
    const TensorView* w;
    const GemvInput* in;
    const float* bias;
    Output mode;
    float* out;
    size_t outStride;
};

HWY_INLINE void put(const RowJob& job, int64_t row, int32_t item, float sum) {
    float* y = job.out + static_cast<size_t>(item) * job.outStride + row;
    const float v = sum + (job.bias ? job.bias[row] : 0.0f);
    *y = job.mode == Output::Add ? *y + v : v;
}

/// Rows outside, items inside: a row stays in the first-level cache while items take turns.
template <class Format>
void blockRows(const RowJob& job, int64_t begin, int64_t end) {
    const size_t stride = rowBytes(job.w->dtype, job.w->cols);
    for (int64_t row = begin; row < end; ++row) {
        const uint8_t* w = static_cast<const uint8_t*>(job.w->data) + static_cast<size_t>(row) * stride;
        const auto tile = [&]<int B>(int32_t item) HWY_ATTR {
            float sums[B];
            Blocks<Format>::template dot<B>(w, job.w->cols, *job.in, item, sums);
            for (int b = 0; b < B; ++b) put(job, row, item + b, sums[b]);
        };
        int32_t item = 0;
        for (; item + 4 <= job.in->nItems; item += 4) tile.template operator()<4>(item);
        for (; item < job.in->nItems; ++item) tile.template operator()<1>(item);
    }
}

template <class Format, int R, int B>
void plainTile(const RowJob& job, size_t stride, int64_t row, int32_t item) {
    float sums[R][B];
    const uint8_t* w = static_cast<const uint8_t*>(job.w->data) + static_cast<size_t>(row) * stride;
    Plain<Format>::template dot<R, B>(w, stride, job.w->cols, *job.in, item, sums);
    for (int r = 0; r < R; ++r)
        for (int b = 0; b < B; ++b) put(job, row + r, item + b, sums[r][b]);
}

template <class Format>
void plainRows(const RowJob& job, int64_t begin, int64_t end) {
    const size_t stride = rowBytes(job.w->dtype, job.w->cols);
    const int32_t n = job.in->nItems;
    // One token. Short rows one by one, which is one stream of memory. Rows that overflow the first-level cache
    // together with x in eights, which share each load of x; the next eight are fetched meanwhile.
    // One core of an EPYC 9004, BF16, share of what it can read: rows of 2,048 one by one 92%, in eights 88; rows of
    // 5,632 in eights 82 to 86%, in fours 79, one by one 52 (fetching 8 KB ahead 73), in two halves of the columns with
    // the sums kept 71. Those eights each fetched its place in the next eight: as one stream and with a nearer fetch of
    // what is used once, two threads 89 to 99% where they had 81 to 95. Several tokens: two rows.
    constexpr int kWide = HWY_TARGET <= HWY_AVX3 ? 8 : 4;  // registers
    constexpr size_t kTogether = 20 << 10;                 // bytes of a row and its x
    if (n == 1 && stride + static_cast<size_t>(job.w->cols) * sizeof(float) <= kTogether) {
        for (int64_t row = begin; row < end; ++row) plainTile<Format, 1, 1>(job, stride, row, 0);
        return;
    }
    int64_t row = begin;
    for (; row + kWide <= end; row += kWide) {
        int32_t item = 0;
        for (; item + 4 <= n; item += 4)
            for (int64_t r = row; r < row + kWide; r += 2) plainTile<Format, 2, 4>(job, stride, r, item);
        for (; item < n; ++item) plainTile<Format, kWide, 1>(job, stride, row, item);
    }
    for (; row < end; ++row)
        for (int32_t item = 0; item < n; ++item) plainTile<Format, 1, 1>(job, stride, row, item);
}

void gemvRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride) {
    const RowJob job{&w, &in, bias, mode, out, outStride};
    switch (w.dtype) {
        case DType::F32: return plainRows<PlainF32>(job, begin, end);
        case DType::F16: return plainRows<PlainF16>(job, begin, end);
        case DType::BF16: return plainRows<PlainBf16>(job, begin, end);
        case DType::Q8_0: return blockRows<FormatQ8_0>(job, begin, end);
        case DType::Q4_0: return blockRows<FormatQ4_0>(job, begin, end);
        case DType::Q4_K: return blockRows<FormatQ4_K>(job, begin, end);
        case DType::Q5_K: return blockRows<FormatQ5_K>(job, begin, end);
        case DType::Q6_K: return blockRows<FormatQ6_K>(job, begin, end);
    }
}

/// x (n) to 16-bit words with a scale for every 32 values, and their sums.
void quantizeInput(const float* x, size_t n, int16_t* words, float* scales, float* sums) {
    const hn::CappedTag<float, 16> d;
    const hn::Rebind<int16_t, decltype(d)> d16;
    const size_t lanes = hn::Lanes(d);
    for (size_t g = 0; g < n / 32; ++g, x += 32, words += 32) {
        auto largest = hn::Zero(d), sum = hn::Zero(d);
        for (size_t i = 0; i < 32; i += lanes) {
            const auto v = hn::LoadU(d, x + i);
            largest = hn::Max(largest, hn::Abs(v));
            sum = hn::Add(sum, v);
        }
        const float top = hn::GetLane(hn::MaxOfLanes(d, largest));
        scales[g] = top / 32767.0f;
        sums[g] = hn::GetLane(hn::SumOfLanes(d, sum));
        const auto factor = hn::Set(d, top > 0 ? 32767.0f / top : 0.0f);
        for (size_t i = 0; i < 32; i += lanes)
            hn::StoreU(hn::DemoteTo(d16, hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), factor))), d16, words + i);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {

HWY_EXPORT(gemvRows);
HWY_EXPORT(quantizeInput);

void gemvRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride) {
    const ByteOrder order = byteOrder(w.dtype);
    if (order != ByteOrder::None && in.bytes[static_cast<size_t>(order)].planes)
        return byteRows(w, begin, end, in, bias, mode, out, outStride);
    HWY_DYNAMIC_DISPATCH(gemvRows)(w, begin, end, in, bias, mode, out, outStride);
}

int64_t gemvChunkRows(const TensorView& w) {
    const auto bytes = static_cast<int64_t>(std::max<size_t>(1, rowBytes(w.dtype, w.cols)));
    const int64_t total = bytes * w.rows;
    const int64_t target = std::clamp<int64_t>(total / 64, 32 << 10, 512 << 10);
    return std::max<int64_t>(8, target / bytes / 8 * 8);
}

GemvInputBuffer::GemvInputBuffer(int64_t maxCols, int32_t maxItems)
    // Never a power of two apart: equal places of several inputs must not share a cache set.
    : m_stride((static_cast<size_t>(maxCols) + 31) / 32 * 32 + 32),
      m_x(m_stride * static_cast<size_t>(maxItems)),
      m_evenOdd(m_x.size()),
      m_words(m_x.size()),
      m_scales(m_x.size() / 32),
      m_sums(m_x.size() / 32) {
    if (!usesBytes()) return;
    for (size_t order = 0; order < kByteOrders; ++order)
        m_bytes[order].reserve(static_cast<ByteOrder>(order), maxCols, maxItems);
}

size_t GemvInputBuffer::nBytes() const {
    size_t n = (m_x.size() * 5 / 2 + m_sums.size() * 2) * sizeof(float);
    for (const ByteInputBuffer& b : m_bytes) n += b.nBytes();
    return n;
}

GemvInput GemvInputBuffer::prepare(int64_t cols, int32_t nItems, uint32_t formats) {
    const auto n = static_cast<size_t>(cols);
    constexpr auto bit = &GemvInputBuffer::formatBit;
    bool asBytes[kByteOrders] = {}, asWords = false;
    for (DType type : {DType::Q8_0, DType::Q4_0, DType::Q4_K, DType::Q5_K, DType::Q6_K}) {
        if (!(formats & bit(type))) continue;
        const auto order = static_cast<size_t>(byteOrder(type));
        (m_bytes[order].usable() ? asBytes[order] : asWords) = true;
    }
    for (size_t item = 0; item < static_cast<size_t>(nItems); ++item) {
        const float* x = m_x.data() + item * m_stride;
        if (formats & bit(DType::BF16)) {
            float* even = m_evenOdd.data() + item * m_stride;
            float* odd = even + m_stride / 2;
            for (size_t i = 0; i < n / 2; ++i) {
                even[i] = x[2 * i];
                odd[i] = x[2 * i + 1];
            }
        }
        for (size_t order = 0; order < kByteOrders; ++order)
            if (asBytes[order]) m_bytes[order].set(static_cast<int32_t>(item), x, cols);
        if (asWords) {
            const auto& quantize = HWY_DYNAMIC_DISPATCH(quantizeInput);
            quantize(x, n, m_words.data() + item * m_stride, m_scales.data() + item * m_stride / 32,
                     m_sums.data() + item * m_stride / 32);
        }
    }
    GemvInput in;
    in.x = m_x.data();
    in.even = m_evenOdd.data();
    in.odd = m_evenOdd.data() + m_stride / 2;
    in.words = m_words.data();
    in.scales32 = m_scales.data();
    in.sums32 = m_sums.data();
    for (size_t order = 0; order < kByteOrders; ++order)
        if (asBytes[order]) in.bytes[order] = m_bytes[order].view();
    in.stride = m_stride;
    in.nItems = nItems;
    return in;
}

}  // namespace spanscope::cpu
#endif
