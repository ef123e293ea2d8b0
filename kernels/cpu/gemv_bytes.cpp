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

template <class S>
constexpr int64_t kPlane = 64 * S::kVectors;  ///< bytes of a chunk's high (or low) plane
template <class S>
constexpr int64_t kPlanes = 8 * kPlane<S>;  ///< of a step

template <class S, int B>
struct Dot {
    __m512 acc[B];

    /// kWhole: all blocks are there; otherwise `left` bytes, and nothing behind them is read.
    template <bool kWhole, bool kPrefetch = true>
    HWY_INLINE void step(const uint8_t* p, int64_t left, const int8_t* const (&planes)[B],
                         const StepFactors* const (&factors)[B]) {
#pragma GCC unroll 5
        for (int64_t line = 0; kPrefetch && line < S::kStepBytes; line += 64) {
            __builtin_prefetch(p + kPrefetchL2 + line, 0, 2);
            __builtin_prefetch(p + kPrefetchL1 + line, 0, 0);
        }
        __m512i w[4][S::kVectors];
        __m512 scale, minimum;
        if constexpr (S::kSmall) {
            // Written out here: as functions of a chunk the compiler keeps w in memory.
            static constexpr typename S::Words kWords;
            const __m512i quants = _mm512_load_si512(kWords.quants);
            constexpr int64_t kChunk = S::kStepBytes / 4;
            __m512i chunk[4], head[4];
#pragma GCC unroll 4
            for (int c = 0; c < 4; ++c) {
                const int64_t n = left - c * kChunk;
                chunk[c] =
                    kWhole ? _mm512_loadu_si512(p + c * kChunk) : _mm512_maskz_loadu_epi8(firstBits(n), p + c * kChunk);
                keepOrder(chunk[c]);
            }
#pragma GCC unroll 4
            for (int c = 0; c < 4; ++c) {
                const uint8_t* end = p + c * kChunk + 64;
                const int64_t n = left - c * kChunk - 64;
                __m512i rest;
                if constexpr (!kWhole)
                    rest = _mm512_castsi256_si512(
                        _mm256_maskz_loadu_epi8(static_cast<__mmask32>(firstBits(std::min(n, kChunk - 64))), end));
                else rest = loadRest<kChunk - 64>(end);
                __m512i packed = _mm512_permutex2var_epi16(chunk[c], quants, rest);
                keepOrder(packed);
                if constexpr (S::kFifthBits) {
                    head[c] = _mm512_permutex2var_epi16(chunk[c], _mm512_load_si512(kWords.heads), rest);
                    keepOrder(head[c]);
                }
                S::weights(packed, head[c], w[c]);
            }
            const auto fromNeighbours = [&](const uint16_t* words) {
                const __m512i at = _mm512_load_si512(words);
                const __m512i first = _mm512_permutex2var_epi16(chunk[0], at, chunk[1]);
                const __m512i second = _mm512_permutex2var_epi16(chunk[2], at, chunk[3]);
                return _mm512_cvtph_ps(
                    _mm256_mask_blend_epi16(0xCCCC, _mm512_castsi512_si256(first), _mm512_castsi512_si256(second)));
            };
            if constexpr (S::kFifthBits) {
                // Doublewords 1 and 3 of each quarter are d and m (Q5_0: part of qh).
                const __m512i odd = _mm512_mask_blend_epi32(0x8888, head[1], head[3]);
                const __m512i even = _mm512_srli_epi64(_mm512_mask_blend_epi32(0x8888, head[0], head[2]), 32);
                const __m512i both = _mm512_mask_blend_epi32(0x5555, odd, even);
                scale = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(both));
                if constexpr (S::kMinimums)
                    minimum = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(both, 16)));
            } else {
                scale = fromNeighbours(kWords.scales);
                if constexpr (S::kMinimums) minimum = fromNeighbours(kWords.mins);
            }
        } else {
#pragma GCC unroll 4
            for (int c = 0; c < 4; ++c) S::weights(p, c, w[c]);
            S::factors(p, scale, minimum);
        }
#pragma GCC unroll 4
        for (int c = 0; c < 4; ++c)
#pragma GCC unroll 2
            for (int v = 0; v < S::kVectors; ++v) keepOrder(w[c][v]);
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            __m512i sum[4];
#pragma GCC unroll 4
            for (int c = 0; c < 4; ++c) sum[c] = _mm512_setzero_si512();
#pragma GCC unroll 2
            for (int plane = 0; plane < 2; ++plane) {
#pragma GCC unroll 2
                for (int v = 0; v < S::kVectors; ++v) {
#pragma GCC unroll 4
                    for (int c = 0; c < 4; ++c) {
                        const int8_t* x = planes[b] + (2 * c + plane) * kPlane<S> + 64 * v;
                        sum[c] = _mm512_dpbusd_epi32(sum[c], w[c][v], _mm512_load_si512(x));
                        keepOrder(sum[c]);
                    }
                }
                if (plane == 1) break;
#pragma GCC unroll 4
                for (int c = 0; c < 4; ++c) {
                    sum[c] = _mm512_slli_epi32(sum[c], 8);
                    keepOrder(sum[c]);
                }
            }
            // Lane 4 q + c becomes the sum of quarter q of chunk c.
            const __m512i a =
                _mm512_add_epi32(_mm512_unpacklo_epi32(sum[0], sum[1]), _mm512_unpackhi_epi32(sum[0], sum[1]));
            const __m512i z =
                _mm512_add_epi32(_mm512_unpacklo_epi32(sum[2], sum[3]), _mm512_unpackhi_epi32(sum[2], sum[3]));
            const __m512i t = _mm512_add_epi32(_mm512_unpacklo_epi64(a, z), _mm512_unpackhi_epi64(a, z));
            const __m512i ofInputs = _mm512_load_si512(factors[b]->sums);
            const __m512 inputs = _mm512_load_ps(factors[b]->scales);
            if constexpr (S::kMinimums) {
                const __m512 least = _mm512_mul_ps(minimum, _mm512_cvtepi32_ps(ofInputs)), ts = _mm512_cvtepi32_ps(t);
                acc[b] = _mm512_fmadd_ps(
                    S::kSmall ? _mm512_fmadd_ps(scale, ts, least) : _mm512_fmsub_ps(scale, ts, least), inputs, acc[b]);
            } else {
                constexpr auto kShift = static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(S::kExcess)));
                const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(t, _mm512_slli_epi32(ofInputs, kShift)));
                acc[b] = _mm512_fmadd_ps(exact, _mm512_mul_ps(scale, inputs), acc[b]);
            }
        }
    }
};

template <class S, int B>
HWY_INLINE void dot(const uint8_t* p, int64_t cols, const ByteInput& in, int32_t item, float* sums) {
    Dot<S, B> d;
    const int8_t* planes[B];
    const StepFactors* factors[B];
#pragma GCC unroll 4
    for (int b = 0; b < B; ++b) {
        d.acc[b] = _mm512_setzero_ps();
        planes[b] = in.planes + static_cast<size_t>(item + b) * in.planeStride;
        factors[b] = in.factors + static_cast<size_t>(item + b) * in.nSteps;
    }
    int64_t left = cols / S::kUnitValues * S::kUnitBytes;
    for (; left >= S::kStepBytes; left -= S::kStepBytes, p += S::kStepBytes) {
        d.template step<true>(p, left, planes, factors);
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) planes[b] += kPlanes<S>, ++factors[b];
    }
    if constexpr (S::kSmall) {
        if (left > 0) d.template step<false>(p, left, planes, factors);
    } else if constexpr (S::kUnitBytes < S::kStepBytes) {
        if (left > 0) {
            uint8_t padded[S::kStepBytes] = {};
            std::memcpy(padded, p, S::kUnitBytes);
            d.template step<true, false>(padded, left, planes, factors);
        }
    }
#pragma GCC unroll 4
    for (int b = 0; b < B; ++b) sums[b] = _mm512_reduce_add_ps(d.acc[b]);
}

/// One input in the order of S, of which only that is used.
template <class S>
void setInput(const float* x, int64_t cols, int8_t* planes, StepFactors* factors) {
    const int64_t nBlocks = cols / 32;
    for (int64_t first = 0; first < nBlocks; first += S::kStepValues / 32, planes += kPlanes<S>, ++factors) {
        *factors = {};
        if (first + S::kStepValues / 32 > nBlocks) std::fill_n(planes, kPlanes<S>, int8_t{0});
        for (int lane = 0; lane < 16; ++lane) {
            const int quarter = lane / 4, chunk = lane % 4;
            if (S::kHalves && quarter % 2) continue;  // together with the quarter before
            const int64_t block = first + S::blockOf(quarter, chunk);
            if (block >= nBlocks) continue;
            const __m512 v[2] = {_mm512_loadu_ps(x + block * 32), _mm512_loadu_ps(x + block * 32 + 16)};
            const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(v[0]), _mm512_abs_ps(v[1])));
            const __m512 factor = _mm512_set1_ps(top > 0 ? kTop / top : 0.0f);
            for (int half = 0; half < 2; ++half) {
                const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(v[half], factor));
                const int own = S::kHalves ? lane + 4 * half : lane;
                factors->scales[own] = top / kTop;
                // Unsigned: an input that is not finite becomes the least integer, and sums of it wrap.
                factors->sums[own] = static_cast<int32_t>(static_cast<uint32_t>(factors->sums[own]) +
                                                          static_cast<uint32_t>(_mm512_reduce_add_epi32(q)));
                const __m512i high = _mm512_srai_epi32(_mm512_add_epi32(q, _mm512_set1_epi32(128)), 8);
                int8_t* to = planes + 2 * chunk * kPlane<S> + S::placeOf(quarter, 16 * half);
                _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(high));
                _mm_storeu_si128(reinterpret_cast<__m128i*>(to + kPlane<S>),
                                 _mm512_cvtepi32_epi8(_mm512_sub_epi32(q, _mm512_slli_epi32(high, 8))));
            }
        }
    }
}

template <class S>
void rows(const TensorView& w, int64_t begin, int64_t end, const ByteInput& in, int32_t nItems, const float* bias,
          Output mode, float* out, size_t outStride) {
    const size_t stride = rowBytes(w.dtype, w.cols);
    const auto* p = static_cast<const uint8_t*>(w.data) + static_cast<size_t>(begin) * stride;
    for (int64_t row = begin; row < end; ++row, p += stride) {
        const float plus = bias ? bias[row] : 0.0f;
        float sums[4];
        int32_t item = 0;
        for (int32_t n = 0; item < nItems; item += n) {
            n = item + 4 <= nItems ? 4 : 1;
            if (n == 4) dot<S, 4>(p, w.cols, in, item, sums);
            else dot<S, 1>(p, w.cols, in, item, sums);
            for (int32_t b = 0; b < n; ++b) {
                float& y = out[static_cast<size_t>(item + b) * outStride + static_cast<size_t>(row)];
                y = mode == Output::Add ? y + (sums[b] + plus) : sums[b] + plus;
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
    m_nSteps = (static_cast<size_t>(maxCols) + step - 1) / step;
    m_planeStride = m_nSteps * step * 2 + 64;
    m_planes.resize(m_planeStride * static_cast<size_t>(maxItems));
    m_factors.resize(m_nSteps * static_cast<size_t>(maxItems));
}
}  // namespace spanscope::cpu
