// The block formats as steps of byte products (gemv_bytes.cpp): 256 or 512 weights in four chunks of one or two
// vectors. Lane 4 q + c of a step's sums belongs to quarter q of chunk c, which holds a block of 32 or half of one.
// Needs AVX-512 with VNNI and GFNI; included by gemv_bytes.cpp alone, within its namespace and attributes.
#pragma once

/// Keeps the compiler from sinking the computation of v to its use.
HWY_INLINE void keepOrder(__m512i& v) { asm("" : "+v"(v)); }

HWY_INLINE uint64_t firstBits(int64_t n) { return n <= 0 ? 0 : n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

HWY_INLINE int fourBytes(const uint8_t* p) {
    int v;
    std::memcpy(&v, p, 4);
    return v;
}

/// An affine transform of bits, byte by byte: which bit of the input becomes bit `to` of the output.
constexpr uint64_t bitTo(int from, int to) { return uint64_t{1} << from << (8 * (7 - to)); }
constexpr uint64_t kHighNibble = bitTo(4, 0) | bitTo(5, 1) | bitTo(6, 2) | bitTo(7, 3);

HWY_INLINE __m512i affine(__m512i v, uint64_t matrix) {
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64(static_cast<int64_t>(matrix)), 0);
}
/// One for the lower half of the vector, one for the upper.
HWY_INLINE __m512i affine(__m512i v, uint64_t lower, uint64_t upper) {
    const auto a = static_cast<int64_t>(lower), b = static_cast<int64_t>(upper);
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_setr_epi64(a, a, a, a, b, b, b, b), 0);
}
HWY_INLINE __m512i lowNibble(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }

/// Q4_0 and Q8_0: the blocks of a chunk, 18 or 34 bytes apart, are brought together; scales are f16.
template <class S>
struct SmallBlocks {
    struct Words {
        alignas(64) uint16_t quants[32];  ///< words of a chunk that are quants
        alignas(64) uint16_t scales[32];  ///< words of two neighbours that are the scale of lane 4 q + c
        constexpr explicit Words(int words) : quants{}, scales{} {
            for (int i = 0; i < 32; ++i)
                quants[i] = static_cast<uint16_t>(i / (words - 1) * words + 1 + i % (words - 1));
            for (int i = 0; i < 16; ++i) scales[i] = static_cast<uint16_t>(i % 2 * 32 + S::blockOf(i / 4, 0) * words);
        }
    };

    static constexpr Words words() { return Words(S::kUnitBytes / 2); }
};

struct StepQ4_0 : SmallBlocks<StepQ4_0> {
    static constexpr int64_t kUnitValues = 32, kUnitBytes = sizeof(BlockQ4_0);  ///< a row is whole units
    static constexpr int64_t kStepValues = 512, kStepBytes = 16 * kUnitBytes;
    static constexpr bool kSmall = true;
    static constexpr int kVectors = 2;  ///< of a chunk's weights: low nibbles, high nibbles
    static constexpr int kExcess = 8;   ///< of the unsigned weight
    static constexpr bool kMinimums = false;
    static constexpr bool kHalves = false;  ///< a quarter holds half a block
    static constexpr int blockOf(int quarter, int chunk) { return 4 * chunk + quarter; }
    /// Where value i of the quarter's block stands in a plane of the chunk.
    static constexpr int placeOf(int quarter, int i) { return (i / 16) * 64 + quarter * 16 + i % 16; }
    static HWY_INLINE void weights(__m512i packed, __m512i (&w)[2]) {
        w[0] = lowNibble(packed);
        w[1] = affine(packed, kHighNibble);
    }
};

struct StepQ8_0 : SmallBlocks<StepQ8_0> {
    static constexpr int64_t kUnitValues = 32, kUnitBytes = sizeof(BlockQ8_0);
    static constexpr int64_t kStepValues = 256, kStepBytes = 8 * kUnitBytes;
    static constexpr bool kSmall = true;
    static constexpr int kVectors = 1;
    static constexpr int kExcess = 128;
    static constexpr bool kMinimums = false;
    static constexpr bool kHalves = true;
    static constexpr int blockOf(int quarter, int chunk) { return 2 * chunk + quarter / 2; }
    static constexpr int placeOf(int quarter, int i) { return quarter / 2 * 32 + i; }
    static HWY_INLINE void weights(__m512i packed, __m512i (&w)[1]) {
        w[0] = _mm512_xor_si512(packed, _mm512_set1_epi8(-128));
    }
};

/// Which of 16 bytes goes to lane 4 q + c.
struct Lanes {
    alignas(16) uint8_t byte[16];
    template <class F>
    constexpr explicit Lanes(F byteOf) : byte{} {
        for (int i = 0; i < 16; ++i) byte[i] = static_cast<uint8_t>(byteOf(i / 4, i % 4));
    }
    HWY_INLINE __m128i of(__m128i bytes) const {
        return _mm_shuffle_epi8(bytes, _mm_load_si128(reinterpret_cast<const __m128i*>(byte)));
    }
};

template <class Block>
struct StepQ45_K {
    static constexpr int64_t kUnitValues = 256, kUnitBytes = sizeof(Block);
    static constexpr int64_t kStepValues = 256, kStepBytes = kUnitBytes;
    static constexpr bool kSmall = false;
    static constexpr int kVectors = 1;
    static constexpr int kExcess = -1;  ///< the sum of the inputs itself
    static constexpr bool kMinimums = true;
    static constexpr bool kHalves = true;
    /// A vector of 64 bytes holds two groups in its low nibbles, and the two that follow each in its high ones.
    static constexpr int blockOf(int quarter, int chunk) { return chunk / 2 * 4 + chunk % 2 + quarter / 2 * 2; }
    static constexpr int placeOf(int quarter, int i) { return quarter / 2 * 32 + i; }

    static HWY_INLINE __m512i weights(const uint8_t* p, int c) {
        const auto* block = reinterpret_cast<const Block*>(p);
        const __m512i bytes = _mm512_loadu_si512(block->qs + 64 * (c / 2));
        const __m512i nibbles = c % 2 ? affine(bytes, kHighNibble) : lowNibble(bytes);
        if constexpr (requires { block->qh; }) {
            const __m512i fifth =
                _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block->qh)));
            return _mm512_or_si512(nibbles, affine(fifth, bitTo(blockOf(0, c), 4), bitTo(blockOf(2, c), 4)));
        }
        return nibbles;
    }
    /// Factors of the lanes' sums of products, and of their sums of inputs.
    static HWY_INLINE void factors(const uint8_t* p, __m512& scale, __m512& minimum) {
        static constexpr Lanes kScales([](int q, int c) { return blockOf(q, c); });
        static constexpr Lanes kMins([](int q, int c) { return 8 + blockOf(q, c); });
        // d, dmin, and eight 6-bit scales and eight 6-bit mins in three words a, b, c.
        const __m128i head = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i low =
            _mm_srlv_epi32(_mm_shuffle_epi32(head, 0b11'10'11'01), _mm_setr_epi32(0, 0, 0, 4));  // a c b c
        const __m128i high = _mm_srli_epi32(_mm_shuffle_epi32(head, 0b10'00'01'00), 2);          // - a - b
        const __m128i packed =
            _mm_or_si128(_mm_and_si128(low, _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f)),
                         _mm_and_si128(high, _mm_setr_epi32(0, 0x30303030, 0, 0x30303030)));
        const __m128 ds = _mm_cvtph_ps(head);
        scale = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(kScales.of(packed))), _mm512_broadcastss_ps(ds));
        minimum = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(kMins.of(packed))),
                                _mm512_broadcastss_ps(_mm_movehdup_ps(ds)));
    }
};

struct StepQ6_K {
    static constexpr int64_t kUnitValues = 256, kUnitBytes = sizeof(BlockQ6_K);
    static constexpr int64_t kStepValues = 256, kStepBytes = kUnitBytes;
    static constexpr bool kSmall = false;
    static constexpr int kVectors = 1;
    static constexpr int kExcess = 32;
    static constexpr bool kMinimums = false;
    static constexpr bool kHalves = true;  ///< with a scale of its own
    static constexpr int blockOf(int quarter, int chunk) { return 2 * chunk + quarter / 2; }
    static constexpr int placeOf(int quarter, int i) { return quarter / 2 * 32 + i; }

    static HWY_INLINE __m512i weights(const uint8_t* p, int c) {
        const auto* block = reinterpret_cast<const BlockQ6_K*>(p);
        const __m512i low = _mm512_loadu_si512(block->ql + 64 * (c / 2));
        const __m512i high =
            _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block->qh + 32 * (c / 2))));
        const int g = 4 * (c % 2);  // two bits of each high byte belong to each of four groups
        return _mm512_or_si512(c % 2 ? affine(low, kHighNibble) : lowNibble(low),
                               affine(high, bitTo(g, 4) | bitTo(g + 1, 5), bitTo(g + 2, 4) | bitTo(g + 3, 5)));
    }
    static HWY_INLINE void factors(const uint8_t* p, __m512& scale, __m512&) {
        static constexpr Lanes kScales([](int q, int c) { return 2 * blockOf(q, c) + q % 2; });
        const auto* block = reinterpret_cast<const BlockQ6_K*>(p);
        const __m128i scales = kScales.of(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block->scales)));
        const __m512 d = _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(block->d)));
        scale = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(scales)), d);
    }
};
