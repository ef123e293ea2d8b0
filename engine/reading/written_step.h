// One step of arithmetic as a model wrote it, taken apart: what it computes, the working after <local>, the value, and
// which tokens say so. Nothing is corrected. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

/// A part of a segment's body and the tokens that it stands in: [first, end), absolute positions.
struct WrittenPart {
    std::string text;
    int32_t first = 0, end = 0;
};

/// body := left op right [ "<local>" working ] "=" value newline
struct WrittenStep {
    WrittenPart left, op, right;
    std::optional<WrittenPart> working;  ///< with the tokens from <local> on
    std::vector<int32_t> workingTokens;  ///< (working.text) the token of each character
    WrittenPart equals, value;
};

/// What a segment of a response holds; nothing while it is not written to its value, or where it is something else.
/// segment: index into run.segments.
std::optional<WrittenStep> readWrittenStep(const RunData& run, int32_t segment);

/// Tokens [begin, end) of a segment of the response, the end that of what is written so far.
Interval writtenTokens(const RunData& run, const Segment& segment);

/// The token at an absolute position of prompt or response; the position exists.
inline const TokenInfo& tokenAt(const RunData& run, int32_t position) {
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    return position < nPrompt ? run.header.prompt[static_cast<size_t>(position)]
                              : run.steps[static_cast<size_t>(position - nPrompt)].token;
}

}  // namespace spanscope
