#include "engine/trace/exports/segment_sums.h"

#include <algorithm>

#include "engine/reading/written_step.h"

namespace spanscope {

std::vector<SegmentSums> sumBySegment(const RunData& run) {
    const auto nTokens = static_cast<int32_t>(run.header.prompt.size() + run.steps.size());
    std::vector<SegmentSums> sums(run.segments.size());
    for (size_t i = 0; i < sums.size(); ++i) {
        const Segment& segment = run.segments[i];
        sums[i].end = std::max(segment.begin, std::min(segment.end, nTokens));
        for (const SpanRef& ref : segment.refs)
            sums[i].refTokens += std::min(ref.tokens.end, nTokens) - std::min(ref.tokens.begin, nTokens);
    }
    for (const StepRecord& step : run.steps) {
        if (step.segment < 0 || static_cast<size_t>(step.segment) >= sums.size()) continue;
        SegmentSums& sum = sums[static_cast<size_t>(step.segment)];
        ++sum.nSteps;
        sum.attended += step.attended;
        sum.loaded += step.loaded;
        sum.causal += step.causal;
        sum.wallNs += step.wallNs;
    }
    for (const ProtocolViolation& v : run.violations) {
        if (v.segment >= 0 && static_cast<size_t>(v.segment) < sums.size())
            ++sums[static_cast<size_t>(v.segment)].nViolations;
    }
    return sums;
}

std::string unsupportedWords(const RunData& run, const SegmentCheck& check) {
    std::string out;
    for (const Interval& tokens : check.unsupported) {
        std::string word;
        for (int32_t t = tokens.begin; t < tokens.end; ++t) word += tokenAt(run, t).text;
        const size_t first = word.find_first_not_of(' ');
        if (first != std::string::npos) out += (out.empty() ? "" : "; ") + word.substr(first);
    }
    return out;
}

std::string checkText(const RunData& run, const RunChecks& checks, int32_t segment) {
    const SegmentCheck* check = checks.ofSegment(segment);
    if (!check) return {};
    if (check->isArithmetic())
        return verdictName(check->verdict) + (check->note.empty() ? std::string() : ": " + check->note);
    return check->unsupported.empty() ? std::string() : "not in its sources: " + unsupportedWords(run, *check);
}

std::string labelText(int64_t label) { return label < 0 ? std::string() : std::to_string(label); }

std::string refsText(const Segment& segment) {
    std::string text;
    for (const SpanRef& ref : segment.refs) {
        if (!text.empty()) text += ' ';
        text += segmentKindName(ref.kind);
        text += ':';
        text += ref.label < 0 ? "?" : std::to_string(ref.label);
        if (ref.label >= 0 && ref.segment < 0) text += '!';
    }
    return text;
}

}  // namespace spanscope
