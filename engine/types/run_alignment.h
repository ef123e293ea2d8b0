// What two runs wrote, laid side by side: by lines first, then token by token inside them, so that a line that grew by
// three tokens is one different line and all after it stay equal. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

/// Steps [begin, end).
struct StepRange {
    int32_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
    bool operator==(const StepRange&) const = default;
};

/// A segment, or a line of text outside segments, and what corresponds to it in the other run; empty: nothing does.
struct AlignedLine {
    StepRange first, second;
    bool equal = false;
};

struct RunAlignment {
    std::vector<AlignedLine> lines;  ///< in the order of both runs
    std::vector<int32_t> ofFirst;    ///< (steps of the first) the step of the second with the same token, -1 none
    std::vector<int32_t> ofSecond;   ///< (steps of the second) likewise
    int32_t nDifferent = 0;          ///< lines
    int32_t nLeft[2] = {0, 0};       ///< steps without a partner, of the first and of the second
    bool identical() const { return nDifferent == 0; }
    /// "identical", "1 of 5 lines differs".
    std::string words() const;
};

/// Lines with the same tokens correspond; between them those with the same text after the declaration, then those with
/// the same label, then the rest in its order. Tokens are compared by their ids, those of different models by their
/// text. Time is bounded by a fixed number of operations for each step, memory grows with the steps.
RunAlignment alignRuns(const RunData& first, const RunData& second);

}  // namespace spanscope
