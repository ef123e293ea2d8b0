// Inputs in the orders that formats want, and format -> kernel.
#include "kernels/cpu/gemv.h"

#include <algorithm>

#include "kernels/cpu/gemv_kernels.h"

namespace spanscope::cpu {

void gemvRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride) {
    const ByteOrder order = byteOrder(w.dtype);
    if (order == ByteOrder::None) return gemvPlainRows(w, begin, end, in, bias, mode, out, outStride);
    if (in.bytes[static_cast<size_t>(order)].planes) return byteRows(w, begin, end, in, bias, mode, out, outStride);
    gemvBlockRows(w, begin, end, in, bias, mode, out, outStride);
}

int64_t gemvChunkRows(const TensorView& w) {
    const auto bytes = static_cast<int64_t>(std::max<size_t>(1, rowBytes(w.dtype, w.cols)));
    const int64_t total = bytes * w.rows;
    const int64_t target = std::clamp<int64_t>(total / 64, 32 << 10, 512 << 10);
    return std::max<int64_t>(16, target / bytes / 16 * 16);
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
    for (const DType type : kDTypes) {
        if (!isBlocked(type) || !(formats & bit(type))) continue;
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
        if (asWords)
            quantizeInput(x, n, m_words.data() + item * m_stride, m_scales.data() + item * m_stride / 32,
                          m_sums.data() + item * m_stride / 32);
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
