// What the steps of each segment cost, for tables and reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/reading/run_checks.h"
#include "engine/types/records.h"

namespace spanscope {

struct SegmentSums {
    int32_t end = 0;  ///< Segment::end, or the end of the run while it is open
    int32_t nSteps = 0;
    int64_t attended = 0, loaded = 0, causal = 0;
    int64_t wallNs = 0;
    int64_t refTokens = 0;  ///< tokens of the references that were understood
    int32_t nViolations = 0;
};

/// One for each of run.segments.
std::vector<SegmentSums> sumBySegment(const RunData& run);

/// Of one segment: "right", "wrong value: 3 − 8 = −5", "not in its sources: Harlow"; empty where there is nothing to
/// say.
std::string checkText(const RunData& run, const RunChecks& checks, int32_t segment);
/// Words of a key point that its sources lack, with "; " between.
std::string unsupportedWords(const RunData& run, const SegmentCheck& check);

std::string labelText(int64_t label);  ///< empty where there is none
/// "in:2 out:1"; "?" where a label could not be read, "!" after one that nobody has.
std::string refsText(const Segment& segment);

}  // namespace spanscope
