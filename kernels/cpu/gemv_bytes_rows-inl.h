// Rows of the block formats in steps of byte products (gemv_bytes.cpp): a step's arithmetic, and which of its lanes
// belong to which row. Included by gemv_bytes.cpp alone, within its namespace and attributes, after gemv_bytes-inl.h.
#pragma once

template <class S>
constexpr int64_t kPlane = 64 * S::kVectors;  ///< bytes of a chunk's high (or low) plane
template <class S>
constexpr int64_t kPlanes = 8 * kPlane<S>;  ///< of a step
template <class S>
constexpr int64_t kStepBlocks = S::kStepValues / 32;

/// Rows that are no whole steps are taken together until they are: in a period of 8 rows of 576 values the 144 blocks
/// of 32 are nine steps of 16 (one row by itself: two steps, the second all but empty). Where that takes too many
/// steps, for each has inputs of its own, and the first-level cache is to hold them, a row ends with a part of a step.
struct Period {
    int64_t rows, steps;
    constexpr Period(int64_t nBlocks, int64_t stepBlocks) : rows(1), steps((nBlocks + stepBlocks - 1) / stepBlocks) {
        const int64_t common = std::gcd(nBlocks, stepBlocks);
        if (nBlocks / common <= kMostSteps) rows = stepBlocks / common, steps = nBlocks / common;
    }
    static constexpr int64_t kMostSteps = kMostStepsOfPeriod, kMostRows = 16;
};

/// Lanes of a step's first n blocks.
template <class S>
struct LanesOfBlocks {
    uint16_t first[kStepBlocks<S> + 1];
    constexpr LanesOfBlocks() : first{} {
        for (int n = 0; n <= kStepBlocks<S>; ++n)
            for (int lane = 0; lane < 16; ++lane)
                if (S::blockOf(lane / 4, lane % 4) < n) first[n] = static_cast<uint16_t>(first[n] | 1 << lane);
    }
};

/// A step's products with B inputs: of each lane `exact` times `factor`.
template <class S, int B>
struct Products {
    __m512 exact[B], factor[B];

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
            static constexpr typename S::Places kPlaces;
            constexpr int64_t kChunk = S::kStepBytes / 4;
            __m512i chunk[4], head[4] = {};
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
                __m512i packed = S::gather(chunk[c], kPlaces.quants, rest);
                keepOrder(packed);
                if constexpr (S::kFifthBits) {
                    head[c] = S::gather(chunk[c], kPlaces.heads, rest);
                    keepOrder(head[c]);
                }
                S::weights(packed, head[c], w[c]);
            }
            if constexpr (!S::kFifthBits && !S::kMinimums) {
                const __m512i first = S::gather(chunk[0], kPlaces.scales, chunk[1]);
                const __m512i second = S::gather(chunk[2], kPlaces.scales, chunk[3]);
                scale = _mm512_cvtph_ps(
                    _mm256_mask_blend_epi16(0xCCCC, _mm512_castsi512_si256(first), _mm512_castsi512_si256(second)));
            } else {
                __m512i both;                   // d and m of the lanes' blocks (Q5_0: d and a part of qh)
                if constexpr (S::kFifthBits) {  // in doublewords 1 and 3 of each quarter
                    const __m512i odd = _mm512_mask_blend_epi32(0x8888, head[1], head[3]);
                    const __m512i even = _mm512_srli_epi64(_mm512_mask_blend_epi32(0x8888, head[0], head[2]), 32);
                    both = _mm512_mask_blend_epi32(0x5555, odd, even);
                } else {
                    both = _mm512_mask_blend_epi32(0xCCCC, S::gather(chunk[0], kPlaces.scales, chunk[1]),
                                                   S::gather(chunk[2], kPlaces.scales, chunk[3]));
                }
                scale = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(both));
                if constexpr (S::kMinimums)
                    minimum = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(both, 16)));
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
                exact[b] = S::kSmall ? _mm512_fmadd_ps(scale, ts, least) : _mm512_fmsub_ps(scale, ts, least);
                factor[b] = inputs;
            } else {
                constexpr auto kShift = static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(S::kExcess)));
                exact[b] = _mm512_cvtepi32_ps(_mm512_sub_epi32(t, _mm512_slli_epi32(ofInputs, kShift)));
                factor[b] = _mm512_mul_ps(scale, inputs);
            }
        }
    }
};

/// sums[row][b] = row `row` of nPeriods periods . input (item + b). p: the rows, all of them.
template <class S, int B>
HWY_NOINLINE void periodRows(const uint8_t* p, int64_t nBlocks, Period period, int64_t nPeriods, const ByteInput& in,
                             int32_t item, float (*sums)[B]) {
    static constexpr LanesOfBlocks<S> kLanes;
    __m512 acc[B];
#pragma GCC unroll 4
    for (int b = 0; b < B; ++b) acc[b] = _mm512_setzero_ps();
    const auto endRow = [&] {
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            (*sums)[b] = _mm512_reduce_add_ps(acc[b]);
            acc[b] = _mm512_setzero_ps();
        }
        ++sums;
    };
    Products<S, B> products;
    const int64_t nWhole = period.rows == 1 ? nBlocks / kStepBlocks<S> : period.steps;
    for (; nPeriods > 0; --nPeriods) {
        const int8_t* planes[B];
        const StepFactors* factors[B];
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            planes[b] = in.planes + static_cast<size_t>(item + b) * in.planeStride;
            factors[b] = in.factors + static_cast<size_t>(item + b) * in.nSteps;
        }
        int64_t left = nBlocks;  // of the row
        for (int64_t step = 0; step < nWhole; ++step, p += S::kStepBytes) {
            products.template step<true>(p, S::kStepBytes, planes, factors);
            if (left > kStepBlocks<S>) {
                left -= kStepBlocks<S>;
#pragma GCC unroll 4
                for (int b = 0; b < B; ++b) acc[b] = _mm512_fmadd_ps(products.exact[b], products.factor[b], acc[b]);
            } else {
                for (int64_t block = 0; block < kStepBlocks<S>;) {
                    const int64_t next = std::min(block + left, kStepBlocks<S>);
                    const auto own = static_cast<__mmask16>(kLanes.first[next] & ~kLanes.first[block]);
#pragma GCC unroll 4
                    for (int b = 0; b < B; ++b)
                        acc[b] = _mm512_mask3_fmadd_ps(products.exact[b], products.factor[b], acc[b], own);
                    left -= next - block;
                    block = next;
                    if (left == 0) endRow(), left = nBlocks;
                }
            }
#pragma GCC unroll 4
            for (int b = 0; b < B; ++b) planes[b] += kPlanes<S>, ++factors[b];
        }
        if (nWhole == period.steps) continue;
        // A row by itself: what is missing counts as zeros.
        const int64_t bytes = left * 32 / S::kUnitValues * S::kUnitBytes;
        if constexpr (S::kSmall) {
            products.template step<false>(p, bytes, planes, factors);
        } else if constexpr (S::kUnitBytes < S::kStepBytes) {  // one unit of two
            uint8_t padded[S::kStepBytes] = {};
            std::memcpy(padded, p, S::kUnitBytes);
            products.template step<true, false>(padded, bytes, planes, factors);
        }
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) acc[b] = _mm512_fmadd_ps(products.exact[b], products.factor[b], acc[b]);
        endRow();
        p += bytes;
    }
}

template <class S>
void rows(const TensorView& w, int64_t begin, int64_t end, const ByteInput& in, int32_t nItems, const float* bias,
          Output mode, float* out, size_t outStride) {
    const int64_t nBlocks = w.cols / 32;
    const Period period(nBlocks, kStepBlocks<S>);
    const size_t stride = rowBytes(w.dtype, w.cols);
    alignas(64) uint8_t padded[Period::kMostSteps * S::kStepBytes];
    int64_t nPeriods = 0;
    for (int64_t row = begin / period.rows * period.rows; row < end; row += nPeriods * period.rows) {
        const auto* p = static_cast<const uint8_t*>(w.data) + static_cast<size_t>(row) * stride;
        nPeriods = std::min({Period::kMostRows / period.rows, (end - row + period.rows - 1) / period.rows,
                             (w.rows - row) / period.rows});
        if (nPeriods == 0) {  // the matrix ends before the period
            const size_t n = std::min(static_cast<size_t>(w.rows - row) * stride, sizeof(padded));
            std::memcpy(padded, p, n);
            std::memset(padded + n, 0, sizeof(padded) - n);
            p = padded;
            nPeriods = 1;
        }
        const int64_t first = std::max(row, begin), last = std::min(row + nPeriods * period.rows, end);
        const auto put = [&]<int B>(int32_t item) {
            float sums[Period::kMostRows][B];
            periodRows<S, B>(p, nBlocks, period, nPeriods, in, item, sums);
            for (int64_t r = first; r < last; ++r)
                for (int b = 0; b < B; ++b) {
                    const float sum = sums[r - row][b] + (bias ? bias[r] : 0.0f);
                    float& y = out[static_cast<size_t>(item + b) * outStride + static_cast<size_t>(r)];
                    y = mode == Output::Add ? y + sum : sum;
                }
        };
        int32_t item = 0;
        for (; item + 4 <= nItems; item += 4) put.template operator()<4>(item);
        for (; item < nItems; ++item) put.template operator()<1>(item);
    }
}
