// Declarations of a response against the known ones, for every task: each out-segment names what it reads, the worked
// response says what it should. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace spanscope {

struct SpanScores {
    int64_t lines = 0;  ///< out-segments written
    int64_t expectedLines = 0;
    int64_t declared = 0;  ///< references written, each counted once in its segment
    int64_t expected = 0;  ///< references of the worked response
    int64_t right = 0;     ///< in both, in segments of the same label
    double precision() const { return declared ? static_cast<double>(right) / static_cast<double>(declared) : 0; }
    double recall() const { return expected ? static_cast<double>(right) / static_cast<double>(expected) : 0; }
    SpanScores& operator+=(const SpanScores& other);
};

/// Protocol text of both. A response that is no protocol text has no lines and no references.
SpanScores scoreSpans(std::string_view workedResponse, std::string_view response);

}  // namespace spanscope
