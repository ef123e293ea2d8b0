#include "kernels/merged_matrix.h"

#include <cassert>
#include <cstring>

#include "kernels/half.h"
#include "kernels/reference/dequantize.h"

namespace spanscope {

namespace {

const uint8_t* rowOf(const TensorView& t, int64_t index) {
    return static_cast<const uint8_t*>(t.data) + static_cast<size_t>(index) * rowBytes(t.dtype, t.cols);
}

}  // namespace

MergedMatrix::MergedMatrix(const TensorView& w, const LowRank& delta)
    : m_w(w), m_delta(delta), m_a(delta ? static_cast<size_t>(delta.a.rows * delta.a.cols) : 0) {
    for (int64_t r = 0; delta && r < delta.a.rows; ++r)
        dequantizeRow(delta.a.dtype, rowOf(delta.a, r), delta.a.cols, m_a.data() + r * delta.a.cols);
}

void MergedMatrix::row(int64_t index, float* out, std::vector<float>& scratch) const {
    const auto cols = static_cast<size_t>(m_w.cols);
    dequantizeRow(m_w.dtype, rowOf(m_w, index), m_w.cols, out);
    if (!m_delta) return;
    const auto rank = static_cast<size_t>(m_delta.a.rows);
    scratch.assign(rank + cols, 0.0f);
    float* b = scratch.data();
    float* sum = b + rank;
    dequantizeRow(m_delta.b.dtype, rowOf(m_delta.b, index), m_delta.b.cols, b);
    for (size_t r = 0; r < rank; ++r) {
        const float factor = b[r];
        const float* a = m_a.data() + r * cols;
        for (size_t c = 0; c < cols; ++c) sum[c] += factor * a[c];
    }
    for (size_t c = 0; c < cols; ++c) out[c] += m_delta.scale * sum[c];
}

void roundRow(DType type, const float* values, int64_t n, void* out) {
    assert(!isBlocked(type));
    const auto count = static_cast<size_t>(n);
    if (type == DType::F32) {
        std::memcpy(out, values, count * sizeof(float));
        return;
    }
    auto* halves = static_cast<uint16_t*>(out);
    if (type == DType::F16)
        for (size_t i = 0; i < count; ++i) halves[i] = floatToF16(values[i]);
    else
        for (size_t i = 0; i < count; ++i) halves[i] = floatToBf16(values[i]);
}

}  // namespace spanscope
