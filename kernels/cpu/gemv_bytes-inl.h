// The block formats as steps of byte products (gemv_bytes.cpp): 256 or 512 weights in four chunks of one or two
// vectors. Lane 4 q + c of a step's sums belongs to quarter q of chunk c, which holds a block of 32 or half of one.
// Needs AVX-512 with VNNI and GFNI; included by gemv_bytes.cpp alone, within its namespace and attributes.
#pragma once

/// Keeps the compiler from sinking the computation of v to its use.
HWY_INLINE void keepOrder(__m512i& v) { asm("" : "+v"(v)); }

HWY_INLINE uint64_t firstBits(int64_t n) { return n <= 0 ? 0 : n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

/// n bytes (4 to 32), and zeros.
template <int64_t n>
HWY_INLINE __m512i loadRest(const uint8_t* p) {
    static_assert(n == 4 || n % 8 == 0);
    if constexpr (n == 4) {
        int v;
        std::memcpy(&v, p, 4);
        return _mm512_zextsi128_si512(_mm_cvtsi32_si128(v));
    }
    if constexpr (n == 8) return _mm512_zextsi128_si512(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    if constexpr (n == 16) return _mm512_zextsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm512_zextsi256_si512(_mm256_maskz_loadu_epi64(static_cast<__mmask8>((1 << n / 8) - 1), p));
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
/// One for bytes 0 to 7 of every 16, one for the others.
HWY_INLINE __m512i affineByTurns(__m512i v, uint64_t first, uint64_t second) {
    const auto a = static_cast<int64_t>(first), b = static_cast<int64_t>(second);
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_setr_epi64(a, b, a, b, a, b, a, b), 0);
}
HWY_INLINE __m512i lowNibble(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
/// What the nibbles of IQ4_NL and IQ4_XS stand for, and 128.
HWY_INLINE __m512i nonLinear(__m512i nibbles) {
    const __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kNonLinear4)));
    return _mm512_xor_si512(_mm512_shuffle_epi8(table, nibbles), _mm512_set1_epi8(-128));
}

/// Where the inputs of a step stand; the steps below have one of these as their base.
struct NibbleOrder {
    static constexpr int64_t kStepValues = 512;
    static constexpr int kVectors = 2;      ///< of a chunk's weights: low nibbles, high nibbles
    static constexpr bool kHalves = false;  ///< a quarter holds half a group of 32
    static constexpr int blockOf(int quarter, int chunk) { return 4 * chunk + quarter; }
    /// Where value i of the quarter's group stands in a plane of the chunk.
    static constexpr int placeOf(int quarter, int i) { return (i / 16) * 64 + quarter * 16 + i % 16; }
};

/// A quarter holds half a group: 64 bytes of a chunk are two groups.
struct HalvesOrder {
    static constexpr int64_t kStepValues = 256;
    static constexpr int kVectors = 1;
    static constexpr bool kHalves = true;
    static constexpr int placeOf(int quarter, int i) { return quarter / 2 * 32 + i; }
};
struct InOrder : HalvesOrder {
    static constexpr int blockOf(int quarter, int chunk) { return 2 * chunk + quarter / 2; }
};
/// Bits 2 c and 2 c + 1 of 64 bytes are a chunk.
struct Q23Order : HalvesOrder {
    static constexpr int blockOf(int quarter, int chunk) { return chunk + quarter / 2 * 4; }
};
/// A vector of 64 bytes holds two groups in its low nibbles, and the two that follow each in its high ones.
struct Q45Order : HalvesOrder {
    static constexpr int blockOf(int quarter, int chunk) { return chunk / 2 * 4 + chunk % 2 + quarter / 2 * 2; }
};

/// The blocks of 32 values of a chunk, 18 to 34 bytes apart, are brought together: quants in one vector, what precedes
/// them apart. B: the block.
template <class B, class Order>
struct SmallBlocks : Order {
    static constexpr int64_t kUnitValues = 32, kUnitBytes = sizeof(B);  ///< a row is whole units
    static constexpr int64_t kStepBytes = Order::kStepValues / 32 * kUnitBytes;
    static constexpr bool kSmall = true;
    static constexpr bool kMinimums = requires(B b) { b.m; };
    static constexpr bool kFifthBits = requires(B b) { b.qh; };

    /// Blocks of whole doublewords are moved by these, which take a third of the instructions that words take.
    using Piece = std::conditional_t<kUnitBytes % 4 == 0, uint32_t, uint16_t>;
    static constexpr int kPieces = 64 / sizeof(Piece);  ///< of a vector

    /// Indices for gather(): of two vectors' pieces the place of each piece of the result.
    struct Places {
        alignas(64) Piece quants[kPieces];  ///< of a chunk and its rest: the quants
        alignas(64) Piece scales[kPieces];  ///< of neighbouring chunks: in lane 4 q + c the scale, with d and m both
        alignas(64) Piece heads[kPieces];  ///< of a chunk and its rest: in quarter q its block's qh, d and m, and again
        constexpr Places() : quants{}, scales{}, heads{} {
            constexpr int kUnit = kUnitBytes / sizeof(Piece), kQuants = sizeof(B::qs) / sizeof(Piece);
            constexpr int kFirst = kUnit - kQuants, kHead = 4 / sizeof(Piece), kQuarter = kPieces / 4;
            for (int i = 0; i < kPieces; ++i) {
                quants[i] = static_cast<Piece>(i / kQuants * kUnit + kFirst + i % kQuants);
                const int from = i % (2 * kHead) < kHead ? kFirst - kHead : -kHead;
                heads[i] = static_cast<Piece>(i / kQuarter * kUnit + from + i % (2 * kHead));
            }
            for (int i = 0; i < 16; ++i)
                scales[i] = static_cast<Piece>(i % 2 * kPieces + Order::blockOf(i / 4, 0) * kUnit);
        }
    };
    static HWY_INLINE __m512i gather(__m512i a, const Piece (&places)[kPieces], __m512i b) {
        const __m512i at = _mm512_load_si512(places);
        return sizeof(Piece) == 4 ? _mm512_permutex2var_epi32(a, at, b) : _mm512_permutex2var_epi16(a, at, b);
    }
};

/// Q4_0, Q4_1, Q5_0, Q5_1 and IQ4_NL.
template <class B, int kTooMuch>
struct StepNibbles : SmallBlocks<B, NibbleOrder> {
    static constexpr int kExcess = kTooMuch;  ///< of the unsigned weight
    /// head: used where there are fifth bits.
    static HWY_INLINE void weights(__m512i packed, __m512i head, __m512i (&w)[2]) {
        w[0] = lowNibble(packed);
        w[1] = affine(packed, kHighNibble);
        if constexpr (std::is_same_v<B, BlockIQ4_NL>) {
            w[0] = nonLinear(w[0]);
            w[1] = nonLinear(w[1]);
        }
        if constexpr (StepNibbles::kFifthBits) {
            // As a matrix, eight bytes turn byte 1 << i into bit i of each of them: of the first in bit 7, of the
            // second in bit 6, ... A quarter's bytes 0 to 7 want the first, 8 to 15 the second; the high nibbles'
            // the third and the fourth.
            const __m512i bits =
                _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(static_cast<int64_t>(0x8040201008040201u)), head, 0);
            w[0] = _mm512_or_si512(w[0], affineByTurns(bits, bitTo(7, 4), bitTo(6, 4)));
            w[1] = _mm512_or_si512(w[1], affineByTurns(bits, bitTo(5, 4), bitTo(4, 4)));
        }
    }
};
using StepQ4_0 = StepNibbles<BlockQ4_0, 8>;
using StepQ4_1 = StepNibbles<BlockQ4_1, 0>;
using StepQ5_0 = StepNibbles<BlockQ5_0, 16>;
using StepQ5_1 = StepNibbles<BlockQ5_1, 0>;
using StepIQ4_NL = StepNibbles<BlockIQ4_NL, 128>;

struct StepQ8_0 : SmallBlocks<BlockQ8_0, InOrder> {
    static constexpr int kExcess = 128;
    static HWY_INLINE void weights(__m512i packed, __m512i, __m512i (&w)[1]) {
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

/// A step is a block of 256 values, or two of IQ4_XS.
template <class B, class Order>
struct SuperBlock : Order {
    static constexpr int64_t kUnitValues = 256, kUnitBytes = sizeof(B);
    static constexpr int64_t kStepBytes = Order::kStepValues / 256 * kUnitBytes;
    static constexpr bool kSmall = false;
    static constexpr bool kMinimums = requires(B b) { b.dmin; };
    static HWY_INLINE const B* at(const uint8_t* p) { return reinterpret_cast<const B*>(p); }
    /// Which 16 values a lane has, in order.
    static constexpr int halfOf(int q, int c) { return 2 * Order::blockOf(q, c) + q % 2; }
};

HWY_INLINE __m512 unsignedBytes(__m128i bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)); }
HWY_INLINE __m512 signedBytes(__m128i bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)); }
/// An f16 in every lane.
HWY_INLINE __m512 halfInAll(uint16_t d) { return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(d))); }
HWY_INLINE __m128i load16(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
HWY_INLINE __m512i twice32(const uint8_t* p) {
    return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

/// Q2_K and Q3_K.
template <class B>
struct StepQ23_K : SuperBlock<B, Q23Order> {
    static constexpr bool kThree = requires(B b) { b.hmask; };
    static constexpr int kExcess = kThree ? 4 : 0;

    static HWY_INLINE void weights(const uint8_t* p, int c, __m512i (&w)[1]) {
        const auto* block = StepQ23_K::at(p);
        w[0] = affine(_mm512_loadu_si512(block->qs), bitTo(2 * c, 0) | bitTo(2 * c + 1, 1));
        if constexpr (kThree) w[0] = _mm512_or_si512(w[0], affine(twice32(block->hmask), bitTo(c, 2), bitTo(4 + c, 2)));
    }
    static HWY_INLINE void factors(const uint8_t* p, __m512& scale, __m512& minimum) {
        static constexpr Lanes kOwn([](int q, int c) { return StepQ23_K::halfOf(q, c); });
        const auto* block = StepQ23_K::at(p);
        if constexpr (kThree) {
            // Two bytes early, so that no byte behind the block is read.
            const __m128i bytes = load16(p + offsetof(B, scales) - 2);
            const __m128i low = _mm_shuffle_epi8(bytes, _mm_setr_epi8(2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 6, 7, 8, 9));
            const __m128i high =
                _mm_shuffle_epi8(bytes, _mm_setr_epi8(10, 11, 12, 13, 10, 11, 12, 13, 10, 11, 12, 13, 10, 11, 12, 13));
            const __m128i packed = _mm_or_si128(
                _mm_and_si128(_mm_srlv_epi64(low, _mm_set_epi64x(4, 0)), _mm_set1_epi8(15)),
                _mm_slli_epi16(_mm_and_si128(_mm_srlv_epi32(high, _mm_setr_epi32(0, 2, 4, 6)), _mm_set1_epi8(3)), 4));
            scale = _mm512_mul_ps(signedBytes(_mm_sub_epi8(kOwn.of(packed), _mm_set1_epi8(32))), halfInAll(block->d));
        } else {
            const __m128i both = kOwn.of(load16(block->scales)), nibble = _mm_set1_epi8(15);
            scale = _mm512_mul_ps(unsignedBytes(_mm_and_si128(both, nibble)), halfInAll(block->d));
            minimum =
                _mm512_mul_ps(unsignedBytes(_mm_and_si128(_mm_srli_epi16(both, 4), nibble)), halfInAll(block->dmin));
        }
    }
};

/// Q4_K and Q5_K.
template <class B>
struct StepQ45_K : SuperBlock<B, Q45Order> {
    static constexpr int kExcess = 0;

    static HWY_INLINE void weights(const uint8_t* p, int c, __m512i (&w)[1]) {
        const auto* block = StepQ45_K::at(p);
        const __m512i bytes = _mm512_loadu_si512(block->qs + 64 * (c / 2));
        w[0] = c % 2 ? affine(bytes, kHighNibble) : lowNibble(bytes);
        if constexpr (requires { block->qh; })
            w[0] = _mm512_or_si512(w[0], affine(twice32(block->qh), bitTo(StepQ45_K::blockOf(0, c), 4),
                                                bitTo(StepQ45_K::blockOf(2, c), 4)));
    }
    /// Factors of the lanes' sums of products, and of their sums of inputs.
    static HWY_INLINE void factors(const uint8_t* p, __m512& scale, __m512& minimum) {
        static constexpr Lanes kScales([](int q, int c) { return StepQ45_K::blockOf(q, c); });
        static constexpr Lanes kMins([](int q, int c) { return 8 + StepQ45_K::blockOf(q, c); });
        // d, dmin, and eight 6-bit scales and eight 6-bit mins in three words a, b, c.
        const __m128i head = load16(p);
        const __m128i low =
            _mm_srlv_epi32(_mm_shuffle_epi32(head, 0b11'10'11'01), _mm_setr_epi32(0, 0, 0, 4));  // a c b c
        const __m128i high = _mm_srli_epi32(_mm_shuffle_epi32(head, 0b10'00'01'00), 2);          // - a - b
        const __m128i packed =
            _mm_or_si128(_mm_and_si128(low, _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f)),
                         _mm_and_si128(high, _mm_setr_epi32(0, 0x30303030, 0, 0x30303030)));
        const __m128 ds = _mm_cvtph_ps(head);
        scale = _mm512_mul_ps(unsignedBytes(kScales.of(packed)), _mm512_broadcastss_ps(ds));
        minimum = _mm512_mul_ps(unsignedBytes(kMins.of(packed)), _mm512_broadcastss_ps(_mm_movehdup_ps(ds)));
    }
};

struct StepQ6_K : SuperBlock<BlockQ6_K, InOrder> {
    static constexpr int kExcess = 32;

    static HWY_INLINE void weights(const uint8_t* p, int c, __m512i (&w)[1]) {
        const __m512i low = _mm512_loadu_si512(at(p)->ql + 64 * (c / 2));
        const int g = 4 * (c % 2);  // two bits of each high byte belong to each of four groups
        w[0] = _mm512_or_si512(c % 2 ? affine(low, kHighNibble) : lowNibble(low),
                               affine(twice32(at(p)->qh + 32 * (c / 2)), bitTo(g, 4) | bitTo(g + 1, 5),
                                      bitTo(g + 2, 4) | bitTo(g + 3, 5)));
    }
    static HWY_INLINE void factors(const uint8_t* p, __m512& scale, __m512&) {
        static constexpr Lanes kScales([](int q, int c) { return halfOf(q, c); });
        const __m128i scales = kScales.of(load16(reinterpret_cast<const uint8_t*>(at(p)->scales)));
        scale = _mm512_mul_ps(signedBytes(scales), halfInAll(at(p)->d));
    }
};

struct StepIQ4_XS : SuperBlock<BlockIQ4_XS, NibbleOrder> {
    static constexpr int kExcess = 128;

    static HWY_INLINE void weights(const uint8_t* p, int c, __m512i (&w)[2]) {
        const __m512i bytes = _mm512_loadu_si512(at(p)[c / 2].qs + 64 * (c % 2));
        w[0] = nonLinear(lowNibble(bytes));
        w[1] = nonLinear(affine(bytes, kHighNibble));
    }
    static HWY_INLINE void factors(const uint8_t* p, __m512& scale, __m512&) {
        // Of each block eight bytes: d, high bits, low bits. Lane 4 q + c has group g = 4 (c % 2) + q of block c / 2.
        const __m128i heads = _mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)),
                                                 _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + kUnitBytes)));
        const __m512i all = _mm512_broadcast_i32x4(heads);
        const __m512i lows =
            _mm512_srlv_epi32(_mm512_shuffle_epi32(all, static_cast<_MM_PERM_ENUM>(0b11'11'01'01)),
                              _mm512_setr_epi32(0, 16, 0, 16, 4, 20, 4, 20, 8, 24, 8, 24, 12, 28, 12, 28));
        const __m512i highs =
            _mm512_srlv_epi32(_mm512_shuffle_epi32(all, static_cast<_MM_PERM_ENUM>(0b10'10'00'00)),
                              _mm512_setr_epi32(16, 24, 16, 24, 18, 26, 18, 26, 20, 28, 20, 28, 22, 30, 22, 30));
        const __m512i low = _mm512_and_si512(lows, _mm512_set1_epi32(15));
        const __m512i high = _mm512_slli_epi32(_mm512_and_si512(highs, _mm512_set1_epi32(3)), 4);
        const __m512i scales = _mm512_sub_epi32(_mm512_or_si512(low, high), _mm512_set1_epi32(32));
        const __m128 ds = _mm_cvtph_ps(
            _mm_shuffle_epi8(heads, _mm_setr_epi8(0, 1, 0, 1, 8, 9, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1)));
        scale = _mm512_mul_ps(_mm512_cvtepi32_ps(scales), _mm512_broadcast_f32x4(ds));
    }
};
