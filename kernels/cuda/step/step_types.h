// Plain data shared by host code and kernels: one decode step's input, the kept pages of a sequence, results.
#pragma once

#include <cstdint>

#include "kernels/visibility.h"

namespace spanscope::cuda {

inline constexpr int kMaxBatch = 64;      ///< rows of one decode step
inline constexpr int kMaxWindows = 3;     ///< different windows of one model's layers
inline constexpr int kHeadsPerBlock = 8;  ///< query heads of a task: one attention block serves them together

enum class Element : int32_t { F32, F16, BF16 };
inline constexpr size_t elementBytes(Element e) { return e == Element::F32 ? 4 : 2; }

/// One page that a sequence may read: where it lies in the pool, and which of its 16 tokens are visible.
struct KeptPage {
    int32_t page = 0;
    uint32_t mask = 0;  ///< bit i: token i of the page; above them the limits of queriesMask()
};

// Neighbouring rows of a step that are of one sequence are queries of one attention row: they share its kept pages, and
// query q reads of a page what its mask says within limits that move with q. Two fields above the mask's 16 bits say
// where they are for query 0, plus kLimitBase; 0: no limit. Tokens before `until` + q, and from `from` + q on.
inline constexpr int kUntilShift = 16, kFromShift = 24, kLimitBase = kMaxBatch;

/// Of page tokens before `position` of query 0 and its own; pageBegin: position of the page's first token.
SPANSCOPE_HD inline uint32_t untilLimit(int32_t position, int32_t pageBegin) {
    const int32_t until = position - pageBegin + 1;
    return until > kPageTokens ? 0u : static_cast<uint32_t>(until + kLimitBase) << kUntilShift;
}
/// Of page tokens from firstToken of query 0 on; the page ends behind it.
SPANSCOPE_HD inline uint32_t fromLimit(int32_t firstToken, int32_t pageBegin, int32_t nQueries) {
    const int32_t from = firstToken - pageBegin;
    return from + nQueries <= 1 ? 0u : static_cast<uint32_t>(from + kLimitBase) << kFromShift;
}
/// Is the page one that the step's own rows write?
SPANSCOPE_HD inline bool hasUntil(uint32_t mask) { return (mask >> kUntilShift & 0xffu) != 0; }
/// The tokens that query `query` of the row reads: bits 0 to 15.
SPANSCOPE_HD inline uint32_t queriesMask(uint32_t mask, int32_t query) {
    const auto before = [&](int32_t n) { return n <= 0 ? 0u : n >= kPageTokens ? 0xffffu : (1u << n) - 1u; };
    uint32_t tokens = mask & 0xffffu;
    if (mask >> kUntilShift & 0xffu)
        tokens &= before(static_cast<int32_t>(mask >> kUntilShift & 0xffu) - kLimitBase + query);
    if (mask >> kFromShift) tokens &= ~before(static_cast<int32_t>(mask >> kFromShift) - kLimitBase + query);
    return tokens;
}

/// Lives on the device with its sequence; only plan_step writes it.
struct SequenceState {
    int32_t nKept = 0;
    int32_t lastLogicalPage = -1;  ///< logical page of kept[nKept - 1]
};

enum class MaskUpdate : int32_t {
    Keep,     ///< the list as it stands
    Extend,   ///< the current token joins it
    Rebuild,  ///< from the intervals
};

/// Written by the host into mapped memory, one per row. A row with token < 0 is idle.
struct StepItem {
    int32_t token = -1;
    int32_t position = 0;
    MaskUpdate update = MaskUpdate::Keep;
    int32_t nIntervals = 0;
    const Interval* intervals =
        nullptr;  ///< (nIntervals) device address; clipped to the last of its queries, none empty, none touching
    const int32_t* table = nullptr;  ///< (capacity pages) logical page -> page of the pool
    KeptPage* kept = nullptr;        ///< (capacity pages)
    int32_t* logical = nullptr;      ///< (capacity pages) logical page of each kept one; absent: no layer has a window
    int32_t longRope = 0;            ///< 1: the long form of the angles
    int32_t nQueries = 1;            ///< rows from this one on that are of its sequence; 0: it is one of those
    SequenceState* state = nullptr;
};

/// What plan_step leaves for the other kernels of the step: of each row the whole list, and its part in each window.
struct BatchRow {
    const KeptPage* kept = nullptr;
    int32_t nKept = 0;
    int32_t position = -1;     ///< -1: idle row
    int32_t currentPage = -1;  ///< page of the pool that takes this token
    int32_t nQueries = 1;      ///< rows from this one on that read the list; nKept is 0 in all but the first
};

/// Written by the device into mapped memory, one per row.
struct StepResult {
    int32_t argmax = 0;
    float logprob = 0.f;
};

}  // namespace spanscope::cuda
