#include "engine/reading/written_step.h"

#include <algorithm>

namespace spanscope {

namespace {

constexpr size_t kMostCharacters = 1 << 16;  // of a body; a segment has 4,096 tokens at most, a recording what it says

/// Characters and the token of each.
struct Body {
    std::string text;
    std::vector<int32_t> tokens;
    WrittenPart part(size_t begin, size_t end) const {
        if (begin >= end)
            return {"", begin < tokens.size() ? tokens[begin] : 0, begin < tokens.size() ? tokens[begin] : 0};
        return {text.substr(begin, end - begin), tokens[begin], tokens[end - 1] + 1};
    }
};

size_t endOfNumber(std::string_view s, size_t at) {
    size_t i = at;
    if (i < s.size() && s[i] == '-') ++i;
    const size_t digits = i;
    while (i < s.size() && s[i] >= '0' && s[i] <= '9') ++i;
    return i > digits ? i : at;
}

bool isOperator(char c) { return c == '+' || c == '-' || c == '*'; }

}  // namespace

Interval writtenTokens(const RunData& run, const Segment& segment) {
    const auto nContext = static_cast<int32_t>(run.header.prompt.size() + run.steps.size());
    return {segment.begin, std::max(segment.begin, std::min(segment.end, nContext))};
}

std::optional<WrittenStep> readWrittenStep(const RunData& run, int32_t index) {
    const Segment& segment = run.segments[static_cast<size_t>(index)];
    const Interval tokens = writtenTokens(run, segment);
    if (segment.kind != SegmentKind::Out || segment.bodyBegin < static_cast<int32_t>(run.header.prompt.size()))
        return std::nullopt;
    Body body;
    size_t local = std::string::npos;
    int32_t localToken = -1;
    for (int32_t t = segment.bodyBegin; t < tokens.end; ++t) {
        const TokenInfo& token = tokenAt(run, t);
        if (token.special) {
            if (token.text != "<local>" || local != std::string::npos) return std::nullopt;
            local = body.text.size();
            localToken = t;
            continue;
        }
        body.text += token.text;
        body.tokens.resize(body.text.size(), t);
        if (body.text.size() > kMostCharacters) return std::nullopt;
    }
    const std::string& s = body.text;
    const size_t left = endOfNumber(s, 0);
    if (left == 0 || left >= s.size() || !isOperator(s[left])) return std::nullopt;
    const size_t right = endOfNumber(s, left + 1);
    if (right == left + 1) return std::nullopt;
    if (local != std::string::npos ? local != right : right >= s.size() || s[right] != '=') return std::nullopt;
    const size_t equals = s.find('=', right);
    if (equals == std::string::npos) return std::nullopt;
    const size_t value = endOfNumber(s, equals + 1);
    if (value == equals + 1 || value >= s.size() || s[value] != '\n' || value + 1 != s.size()) return std::nullopt;

    WrittenStep step;
    step.left = body.part(0, left);
    step.op = body.part(left, left + 1);
    step.right = body.part(left + 1, right);
    if (local != std::string::npos) {
        step.working = body.part(right, equals);
        step.working->first = localToken;
        if (step.working->end <= localToken) step.working->end = localToken + 1;
        step.workingTokens.assign(body.tokens.begin() + static_cast<std::ptrdiff_t>(right),
                                  body.tokens.begin() + static_cast<std::ptrdiff_t>(equals));
    }
    step.equals = body.part(equals, equals + 1);
    step.value = body.part(equals + 1, value);
    return step;
}

}  // namespace spanscope
