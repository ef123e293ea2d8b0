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
    uint32_t mask = 0;  ///< bit i: token i of the page
};

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
        nullptr;                     ///< (nIntervals) device address; clipped to position, none empty, none touching
    const int32_t* table = nullptr;  ///< (capacity pages) logical page -> page of the pool
    KeptPage* kept = nullptr;        ///< (capacity pages)
    int32_t* logical = nullptr;      ///< (capacity pages) logical page of each kept one; absent: no layer has a window
    int32_t longRope = 0;            ///< 1: the long form of the angles
    SequenceState* state = nullptr;
};

/// What plan_step leaves for the other kernels of the step: of each row the whole list, and its part in each window.
struct BatchRow {
    const KeptPage* kept = nullptr;
    int32_t nKept = 0;
    int32_t position = -1;     ///< -1: idle row
    int32_t currentPage = -1;  ///< page of the pool that takes this token
};

/// Written by the device into mapped memory, one per row.
struct StepResult {
    int32_t argmax = 0;
    float logprob = 0.f;
};

}  // namespace spanscope::cuda
