#include "ui/model/class_replay.h"

#include <algorithm>

namespace spanscope {

namespace {
constexpr int kFreeTokens = 8;  // of text outside any segment, told at once
}

std::vector<ReplayStop> replayStops(const RunData& run) {
    const auto nSteps = static_cast<int>(run.steps.size());
    std::vector<ReplayStop> stops;
    if (nSteps == 0 || nSteps > kMaxReplaySteps) return stops;
    const auto nPrompt = static_cast<int>(run.header.prompt.size());
    const auto stopAt = [&](int step, bool named, int segment) {
        if (step > (stops.empty() ? 0 : stops.back().nSteps) && step <= nSteps) stops.push_back({step, named, segment});
    };
    const auto freeUntil = [&](int step) {
        for (int told = stops.empty() ? 0 : stops.back().nSteps; told + kFreeTokens < step;) {
            told += kFreeTokens;
            stopAt(told, false, -1);
        }
        stopAt(step, false, -1);
    };
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& segment = run.segments[i];
        if (segment.kind != SegmentKind::Out) continue;
        freeUntil(segment.begin - nPrompt);
        const int end = segment.end == kOpenEnd ? nSteps : std::min(segment.end - nPrompt, nSteps);
        if (segment.bodyBegin >= 0) stopAt(segment.bodyBegin - nPrompt, true, static_cast<int>(i));
        stopAt(end, false, static_cast<int>(i));
    }
    freeUntil(nSteps);
    return stops;
}

RunData runUntil(const RunData& run, int nSteps) {
    if (nSteps >= static_cast<int>(run.steps.size())) return run;
    RunData told;
    told.header = run.header;
    told.steps.assign(run.steps.begin(), run.steps.begin() + std::max(0, nSteps));
    const int end = static_cast<int>(run.header.prompt.size()) + std::max(0, nSteps);  // positions below are told
    for (const Segment& from : run.segments) {
        if (from.begin >= end) break;
        Segment segment = from;
        if (segment.end > end) {
            segment.end = kOpenEnd;
            segment.fallback = false;
        }
        if (segment.bodyBegin > end) segment.bodyBegin = -1;
        std::erase_if(segment.refs, [end](const SpanRef& ref) { return ref.position >= end; });
        told.segments.push_back(std::move(segment));
    }
    std::copy_if(run.violations.begin(), run.violations.end(), std::back_inserter(told.violations),
                 [end](const ProtocolViolation& v) { return v.position < end; });
    std::copy_if(run.changes.begin(), run.changes.end(), std::back_inserter(told.changes),
                 [end](const SpanChange& change) { return change.position < end; });
    told.stats.promptTokens = run.stats.promptTokens;
    told.stats.keptTokens = run.stats.keptTokens;
    told.stats.responseTokens = std::max(0, nSteps);
    told.stats.kvBytesPerToken = run.stats.kvBytesPerToken;
    for (const StepRecord& step : told.steps) {
        told.stats.attendedTokens += step.attended;
        told.stats.loadedTokens += step.loaded;
        told.stats.causalTokens += step.causal;
    }
    return told;
}

}  // namespace spanscope
