// Dot products with the block formats, used as they lie. Weights are small integers, so a group of 32 is
// multiplied as 16-bit integers: the inputs are rounded to 16 bits with a scale for every 32 of them (an error of
// at most 1.5e-5 of the largest of the 32, far below the formats' own), two products and their sum take one
// instruction, and one conversion and one multiply-add bring the group to float.
//
// One row at a time: several rows are as many memory streams, which the hardware prefetcher follows far worse than one.
// Bytes: every weight once. Limit: memory bandwidth, and for several tokens the integer products.
// Tried and dropped: widening to float and three multiply-adds per 32 values (two thirds of the speed); scales of eight
// blocks at once and Q4_0's offset by the input's sums (Q4_0 + 5%, Q8_0 - 4%: arithmetic is not all that bounds it).
// Where processors multiply bytes decode takes another path: gemv_bytes.h.
// Included once per instruction set.
#include "kernels/cpu/gemv.h"
#include "kernels/cpu/gemv_formats-inl.h"

#if defined(SPANSCOPE_GEMV_BLOCKS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_GEMV_BLOCKS_INL_H
#undef SPANSCOPE_GEMV_BLOCKS_INL_H
#else
#define SPANSCOPE_GEMV_BLOCKS_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Sum of products of half a group (first = 0 or kHalf) as eight integers.
HWY_INLINE hn::Vec<blocks::D32> halfDot(const blocks::Words& q, const int16_t* x, int first) {
    const blocks::D16 d16;
    const blocks::D32 d32;
    auto sum = hn::Zero(d32), other = hn::Zero(d32);
#pragma GCC unroll 16
    for (int j = 0; j < blocks::kHalf; ++j)
        sum = hn::ReorderWidenMulAccumulate(d32, q.v[first + j], hn::LoadU(d16, x + (first + j) * blocks::kWords), sum,
                                            other);
    return hn::Add(sum, other);
}

/// Sum of half a group's inputs as eight integers.
HWY_INLINE hn::Vec<blocks::D32> halfSum(const int16_t* x, int first) {
    const blocks::D16 d16;
    const blocks::D32 d32;
    auto sum = hn::Zero(d32), other = hn::Zero(d32);
    for (int j = 0; j < blocks::kHalf; ++j)
        sum = hn::ReorderWidenMulAccumulate(d32, hn::Set(d16, int16_t{1}),
                                            hn::LoadU(d16, x + (first + j) * blocks::kWords), sum, other);
    return hn::Add(sum, other);
}

template <class F>
struct Blocks {
    using Block = typename F::Block;
    static constexpr int64_t kValues = 32 * F::kGroups;

    /// sums[b] = row . input (item + b). Two accumulators per item, by the parity of the group.
    template <int B>
    static HWY_INLINE void dot(const uint8_t* w, int64_t cols, const GemvInput& in, int32_t item, float (&sums)[B]) {
        using namespace blocks;
        const DF df;
        hn::Vec<DF> acc[2][B], offset[B];
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) acc[0][b] = acc[1][b] = offset[b] = hn::Zero(df);
        // Copies: the compiler cannot know that the sums do not alias the input's fields.
        Input inputs[B];
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            const size_t base = static_cast<size_t>(item + b) * in.stride;
            inputs[b] = {in.words + base, in.scales32 + base / 32, in.sums32 + base / 32};
        }
        const auto* block = reinterpret_cast<const Block*>(w);
        const int64_t nBlocks = cols / kValues;
        if constexpr (F::kGroups == 1) {
            int64_t i = 0;
            for (; i + 2 <= nBlocks; i += 2) {
                // Every line, though blocks are shorter: with lines left out the hardware prefetcher stops as well.
                __builtin_prefetch(reinterpret_cast<const uint8_t*>(block + i) + 4096, 0, 2);
                __builtin_prefetch(reinterpret_cast<const uint8_t*>(block + i + 1) + 4096, 0, 2);
                smallBlock<B>(block + i, i, inputs, acc[0], offset);
                smallBlock<B>(block + i + 1, i + 1, inputs, acc[1], offset);
            }
            if (i < nBlocks) smallBlock<B>(block + i, i, inputs, acc[0], offset);
        } else {
            for (int64_t i = 0; i < nBlocks; ++i) superBlock<B>(block + i, i, inputs, acc, offset);
        }
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b)
            sums[b] = hn::GetLane(hn::SumOfLanes(df, hn::Add(hn::Add(acc[0][b], acc[1][b]), offset[b])));
    }

  private:
    /// One item's arrays.
    struct Input {
        const int16_t* words;
        const float* scales;
        const float* sums;
    };

    template <int B>
    static HWY_INLINE void smallBlock(const Block* block, int64_t i, const Input (&in)[B],
                                      hn::Vec<blocks::DF> (&acc)[B], hn::Vec<blocks::DF> (&offset)[B]) {
        using namespace blocks;
        const DF df;
        Words q;
        F::words(block, 0, q);
        const auto scale = half(block->d);
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            const int16_t* x = in[b].words + i * 32;
            const auto sum = hn::Add(halfDot(q, x, 0), halfDot(q, x, kHalf));
            acc[b] = hn::MulAdd(hn::ConvertTo(df, sum), hn::Mul(scale, hn::Set(df, in[b].scales[i])), acc[b]);
            if constexpr (F::kOffsets) {
                // In one lane alone, for the lanes are added.
                const auto inputs = hn::IfThenElseZero(hn::FirstN(df, 1), hn::Set(df, in[b].sums[i]));
                offset[b] = hn::MulAdd(half(block->m), inputs, offset[b]);
            }
        }
    }

    template <int B>
    static HWY_INLINE void superBlock(const Block* block, int64_t i, const Input (&in)[B],
                                      hn::Vec<blocks::DF> (&acc)[2][B], hn::Vec<blocks::DF> (&offset)[B]) {
        using namespace blocks;
        const DF df;
        for (size_t line = 0; line < sizeof(Block); line += 64)
            __builtin_prefetch(reinterpret_cast<const uint8_t*>(block) + 4096 + line, 0, 2);
        Header h;
        F::header(block, h);
        float scales[B][8];  // of the block and the input together
#pragma GCC unroll 4
        for (int b = 0; b < B; ++b) {
            for (int k = 0; k < 8; k += kFloats) {
                const auto xs = hn::LoadU(df, in[b].scales + i * 8 + k);
                if constexpr (F::kTwoScales) hn::StoreU(xs, df, scales[b] + k);
                else hn::StoreU(hn::Mul(hn::LoadU(df, h.scales + k), xs), df, scales[b] + k);
                if constexpr (F::kOffsets && !F::kTwoScales)
                    offset[b] =
                        hn::MulAdd(hn::LoadU(df, h.offsets + k), hn::LoadU(df, in[b].sums + i * 8 + k), offset[b]);
            }
        }
#pragma GCC unroll 8
        for (int g = 0; g < 8; ++g) {
            Words q;
            F::words(block, g, q);
#pragma GCC unroll 4
            for (int b = 0; b < B; ++b) {
                const int16_t* x = in[b].words + i * kValues + g * 32;
                auto& sum = acc[g % 2][b];
                const auto factor = hn::Set(df, scales[b][g]);
                if constexpr (F::kTwoScales) {
                    auto t = hn::Mul(hn::ConvertTo(df, halfDot(q, x, 0)), hn::Set(df, h.scales[2 * g]));
                    t = hn::MulAdd(hn::ConvertTo(df, halfDot(q, x, kHalf)), hn::Set(df, h.scales[2 * g + 1]), t);
                    if constexpr (F::kOffsets) {
                        t = hn::MulAdd(hn::ConvertTo(df, halfSum(x, 0)), hn::Set(df, h.offsets[2 * g]), t);
                        t = hn::MulAdd(hn::ConvertTo(df, halfSum(x, kHalf)), hn::Set(df, h.offsets[2 * g + 1]), t);
                    }
                    sum = hn::MulAdd(t, factor, sum);
                } else {
                    sum = hn::MulAdd(hn::ConvertTo(df, hn::Add(halfDot(q, x, 0), halfDot(q, x, kHalf))), factor, sum);
                }
            }
        }
    }
};

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
