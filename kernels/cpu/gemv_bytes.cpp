// Idea: inputs are rounded to 16 bits with a scale for every 32 of them, as in gemv_blocks-inl.h, but stand as a high
// and a low byte (both signed: x = 256 h + l). Weights become unsigned bytes: nibbles as they are, Q8_0's with the sign
// bit turned. One vpdpbusd then takes 64 products with the high bytes, a shift by eight, one more with the low ones.
// Unsigned weights are too large, Q4_0's by 8 (Q8_0's by 128, Q6_K's by 32): so many times the sum of the inputs is
// subtracted; offsets of blocks, where formats have them, are multiplied with the same sum. A step is 256 or 512
// weights in four chunks, whose sums are gathered in one vector of integers. They are exact; only that vector is
// multiplied with the scales. Limit: memory bandwidth, in the caches the vector units.
//
// The four chunks are interleaved in the source, and stay so in the code: one after the other, each would wait for the
// latencies of the one before.
//
// One core of an EPYC 9004 at 3.65 GHz, GB/s of Q4_0 in its second-level cache (16-bit products: 15):
//   as below 31; scales and sums brought to float by chunk 28.4, of these nibbles by shift and mask 27.3, chunks one
//   after the other 26.5, high and low sums apart 26.7, 16 bytes a block by four masked loads in place of a permutation
//   23, two rows at a time 29.2 (but from memory two streams lose more). 49 vector instructions a step in 33 cycles.
// From memory, two threads that can read 55 to 60 GB/s, percent of that: prefetching 4 KB ahead 64, 8 to 16 KB 94; to
// the first level 58.
#include "kernels/cpu/gemv_bytes.h"

#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <numeric>

#include "kernels/cpu/gemv.h"

// One instruction set only (sanitizers): this path stays out.
#if HWY_ARCH_X86_64 && !defined(HWY_COMPILE_ONLY_STATIC)
// GCC bug 105593: the compiler's own headers leave a vector unset on purpose, and it complains about them.
HWY_DIAGNOSTICS(push)
#if !HWY_COMPILER_CLANG
HWY_DIAGNOSTICS_OFF(disable : 4701, ignored "-Wmaybe-uninitialized")
#endif
#include <immintrin.h>

#include "kernels/quant_blocks.h"

HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,gfni,avx2,fma,f16c")
namespace spanscope::cpu {
namespace {

// Prefetch distances in bytes, to the second level and to the first. There as non-temporal, so that wide inputs stay
// (rows of 11,008: Q4_0 80 -> 84% of the read bandwidth, Q8_0 55 -> 61).
constexpr int64_t kPrefetchL2 = 12288, kPrefetchL1 = 1024;
constexpr float kTop = 127 * 256 + 127;

#include "kernels/cpu/gemv_bytes-inl.h"
// After the steps.
#include "kernels/cpu/gemv_bytes_rows-inl.h"

/// One input in the order of S, of which only that is used: for each step of a period, the blocks that it meets.
template <class S>
void setInput(const float* x, int64_t cols, int8_t* planes, StepFactors* factors) {
    struct Place {
        int quarter[kStepBlocks<S>], chunk[kStepBlocks<S>];
        constexpr Place() : quarter{}, chunk{} {
            for (int lane = 15; lane >= 0; --lane) {  // of a block's two quarters the first
                quarter[S::blockOf(lane / 4, lane % 4)] = lane / 4;
                chunk[S::blockOf(lane / 4, lane % 4)] = lane % 4;
            }
        }
    };
    static constexpr Place kPlace;
    const int64_t nBlocks = cols / 32;
    const Period period(nBlocks, kStepBlocks<S>);
    if (period.rows * nBlocks % kStepBlocks<S> != 0) {
        std::fill_n(planes + (period.steps - 1) * kPlanes<S>, kPlanes<S>, int8_t{0});
        factors[period.steps - 1] = {};
    }
    for (int64_t block = 0; block < nBlocks; ++block) {
        const __m512 v[2] = {_mm512_loadu_ps(x + block * 32), _mm512_loadu_ps(x + block * 32 + 16)};
        const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(v[0]), _mm512_abs_ps(v[1])));
        const __m512 factor = _mm512_set1_ps(top > 0 ? kTop / top : 0.0f);
        __m128i high[2], low[2];
        uint32_t sum[2];
        for (int half = 0; half < 2; ++half) {
            const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(v[half], factor));
            // Unsigned: an input that is not finite becomes the least integer, and sums of it wrap.
            sum[half] = static_cast<uint32_t>(_mm512_reduce_add_epi32(q));
            const __m512i h = _mm512_srai_epi32(_mm512_add_epi32(q, _mm512_set1_epi32(128)), 8);
            high[half] = _mm512_cvtepi32_epi8(h);
            low[half] = _mm512_cvtepi32_epi8(_mm512_sub_epi32(q, _mm512_slli_epi32(h, 8)));
        }
        for (int64_t at = block; at < period.rows * nBlocks; at += nBlocks) {
            const int64_t step = at / kStepBlocks<S>;
            const int quarter = kPlace.quarter[at % kStepBlocks<S>], chunk = kPlace.chunk[at % kStepBlocks<S>];
            for (int half = 0; half < 2; ++half) {
                const int lane = 4 * quarter + chunk + (S::kHalves ? 4 * half : 0);
                factors[step].scales[lane] = top / kTop;
                factors[step].sums[lane] = static_cast<int32_t>(S::kHalves ? sum[half] : sum[0] + sum[1]);
                int8_t* to = planes + step * kPlanes<S> + 2 * chunk * kPlane<S> + S::placeOf(quarter, 16 * half);
                _mm_storeu_si128(reinterpret_cast<__m128i*>(to), high[half]);
                _mm_storeu_si128(reinterpret_cast<__m128i*>(to + kPlane<S>), low[half]);
            }
        }
    }
}

}  // namespace

void ByteInputBuffer::set(int32_t item, const float* x, int64_t cols) {
    int8_t* planes = m_planes.data() + static_cast<size_t>(item) * m_planeStride;
    StepFactors* factors = m_factors.data() + static_cast<size_t>(item) * m_nSteps;
    switch (m_order) {
        case ByteOrder::Nibbles: return setInput<NibbleOrder>(x, cols, planes, factors);
        case ByteOrder::InOrder: return setInput<InOrder>(x, cols, planes, factors);
        case ByteOrder::Q23_K: return setInput<Q23Order>(x, cols, planes, factors);
        case ByteOrder::Q45_K: return setInput<Q45Order>(x, cols, planes, factors);
        case ByteOrder::None: return;
    }
}

void byteRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias, Output mode,
              float* out, size_t outStride) {
    const ByteInput& bytes = in.bytes[static_cast<size_t>(byteOrder(w.dtype))];
    const auto run = [&]<class S>(std::type_identity<S>) {
        rows<S>(w, begin, end, bytes, in.nItems, bias, mode, out, outStride);
    };
    switch (w.dtype) {
        case DType::Q8_0: return run(std::type_identity<StepQ8_0>());
        case DType::Q4_0: return run(std::type_identity<StepQ4_0>());
        case DType::Q4_1: return run(std::type_identity<StepQ4_1>());
        case DType::Q5_0: return run(std::type_identity<StepQ5_0>());
        case DType::Q5_1: return run(std::type_identity<StepQ5_1>());
        case DType::IQ4_NL: return run(std::type_identity<StepIQ4_NL>());
        case DType::Q2_K: return run(std::type_identity<StepQ23_K<BlockQ2_K>>());
        case DType::Q3_K: return run(std::type_identity<StepQ23_K<BlockQ3_K>>());
        case DType::Q4_K: return run(std::type_identity<StepQ45_K<BlockQ4_K>>());
        case DType::Q5_K: return run(std::type_identity<StepQ45_K<BlockQ5_K>>());
        case DType::Q6_K: return run(std::type_identity<StepQ6_K>());
        case DType::IQ4_XS: return run(std::type_identity<StepIQ4_XS>());
        default: return;
    }
}

}  // namespace spanscope::cpu
HWY_POP_ATTRIBUTES
HWY_DIAGNOSTICS(pop)

namespace spanscope::cpu {
bool usesBytes() {
    static const bool has = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
                            __builtin_cpu_supports("gfni");
    return has && (hwy::SupportedTargets() & HWY_AVX3_DL) != 0;
}
}  // namespace spanscope::cpu
#else
namespace spanscope::cpu {
bool usesBytes() { return false; }
void ByteInputBuffer::set(int32_t, const float*, int64_t) {}
void byteRows(const TensorView&, int64_t, int64_t, const GemvInput&, const float*, Output, float*, size_t) {}
}  // namespace spanscope::cpu
#endif

namespace spanscope::cpu {
ByteOrder byteOrder(DType type) {
    switch (type) {
        case DType::Q4_0:
        case DType::Q4_1:
        case DType::Q5_0:
        case DType::Q5_1:
        case DType::IQ4_NL:
        case DType::IQ4_XS: return ByteOrder::Nibbles;
        case DType::Q8_0:
        case DType::Q6_K: return ByteOrder::InOrder;
        case DType::Q2_K:
        case DType::Q3_K: return ByteOrder::Q23_K;
        case DType::Q4_K:
        case DType::Q5_K: return ByteOrder::Q45_K;
        default: return ByteOrder::None;
    }
}

void ByteInputBuffer::reserve(ByteOrder order, int64_t maxCols, int32_t maxItems) {
    // Whole steps, and one line more: equal places of several inputs must not share a cache set.
    const size_t step = order == ByteOrder::Nibbles ? 512 : 256;
    m_order = order;
    m_nSteps = std::max<size_t>(kMostStepsOfPeriod, (static_cast<size_t>(maxCols) + step - 1) / step);
    m_planeStride = m_nSteps * step * 2 + 64;
    m_planes.resize(m_planeStride * static_cast<size_t>(maxItems));
    m_factors.resize(m_nSteps * static_cast<size_t>(maxItems));
}
}  // namespace spanscope::cpu
