#include "kernels/cpu/widen.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/widen.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/gemv_formats-inl.h"
#include "kernels/half.h"

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

uint16_t halfAt(const uint8_t* row, int64_t i) {
    uint16_t v = 0;
    __builtin_memcpy(&v, row + 2 * i, 2);
    return v;
}

void widenHalf(DType type, const uint8_t* row, int64_t begin, int64_t end, float* out) {
    const hn::ScalableTag<float> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const hn::Rebind<uint16_t, decltype(d)> d16;
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    constexpr int64_t kN = HWY_LANES(float);
    const auto* p = reinterpret_cast<const uint16_t*>(row);
    int64_t i = begin;
    if (type == DType::BF16) {
        for (; i + kN <= end; i += kN)
            hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, p + i)))), d, out + i - begin);
        for (; i < end; ++i) out[i - begin] = bf16ToFloat(halfAt(row, i));
    } else {
        const auto* h = reinterpret_cast<const hwy::float16_t*>(row);
        for (; i + kN <= end; i += kN) hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, h + i)), d, out + i - begin);
        for (; i < end; ++i) out[i - begin] = f16ToFloat(halfAt(row, i));
    }
}

template <class F>
void widenBlocks(const uint8_t* row, int64_t begin, int64_t end, float* out) {
    using namespace blocks;
    const DF df;
    const D32 d32;
    constexpr int64_t kValues = 32 * F::kGroups;
    const auto* block = reinterpret_cast<const typename F::Block*>(row) + begin / kValues;
    for (int64_t i = begin; i < end; i += kValues, ++block) {
        Header h{};
        if constexpr (F::kGroups == 1) h.scales[0] = hn::GetLane(half(block->d));
        else F::header(block, h);
        if constexpr (F::kGroups == 1 && F::kOffsets) h.offsets[0] = hn::GetLane(half(block->m));
        for (int g = 0; g < F::kGroups; ++g, out += 32) {
            Words w;
            F::words(block, g, w);
            int16_t values[32];
            for (int j = 0; j < 2 * kHalf; ++j) hn::StoreU(w.v[j], D16(), values + j * kWords);
            for (int j = 0; j < 32; j += kFloats) {
                const int part = F::kTwoScales ? 2 * g + j / 16 : g;
                const auto offset = hn::Set(df, F::kOffsets ? h.offsets[part] : 0.0f);
                const hn::Rebind<int16_t, D32> dq;
                const auto v = hn::ConvertTo(df, hn::PromoteTo(d32, hn::LoadU(dq, values + j)));
                hn::StoreU(hn::MulAdd(v, hn::Set(df, h.scales[part]), offset), df, out + j);
            }
        }
    }
}

void widenRow(DType type, const void* row, int64_t begin, int64_t end, float* out) {
    const auto* bytes = static_cast<const uint8_t*>(row);
    switch (type) {
        case DType::F32: __builtin_memcpy(out, bytes + 4 * begin, static_cast<size_t>(end - begin) * 4); return;
        case DType::F16:
        case DType::BF16: return widenHalf(type, bytes, begin, end, out);
        case DType::Q8_0: return widenBlocks<FormatQ8_0>(bytes, begin, end, out);
        case DType::Q4_0: return widenBlocks<FormatQ4_0>(bytes, begin, end, out);
        case DType::Q4_1: return widenBlocks<FormatQ4_1>(bytes, begin, end, out);
        case DType::Q5_0: return widenBlocks<FormatQ5_0>(bytes, begin, end, out);
        case DType::Q5_1: return widenBlocks<FormatQ5_1>(bytes, begin, end, out);
        case DType::IQ4_NL: return widenBlocks<FormatIQ4_NL>(bytes, begin, end, out);
        case DType::Q2_K: return widenBlocks<FormatQ2_K>(bytes, begin, end, out);
        case DType::Q3_K: return widenBlocks<FormatQ3_K>(bytes, begin, end, out);
        case DType::Q4_K: return widenBlocks<FormatQ4_K>(bytes, begin, end, out);
        case DType::Q5_K: return widenBlocks<FormatQ5_K>(bytes, begin, end, out);
        case DType::Q6_K: return widenBlocks<FormatQ6_K>(bytes, begin, end, out);
        case DType::IQ4_XS: return widenBlocks<FormatIQ4_XS>(bytes, begin, end, out);
    }
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope::cpu {
HWY_EXPORT(widenRow);
void widenRow(DType type, const void* row, int64_t begin, int64_t end, float* out) {
    HWY_DYNAMIC_DISPATCH(widenRow)(type, row, begin, end, out);
}
}  // namespace spanscope::cpu
#endif
