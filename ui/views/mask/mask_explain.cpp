#include "ui/views/mask/mask_explain.h"

#include <algorithm>

#include "engine/types/segment_name.h"
#include "ui/model/shown_text.h"
#include "ui/views/mask/mask_raster.h"

namespace spanscope {

namespace {
constexpr qsizetype kTokenCharacters = 60;  // of a token in a sentence
}

int segmentAt(const std::vector<Segment>& segments, int position) {
    auto it = std::upper_bound(segments.begin(), segments.end(), position,
                               [](int p, const Segment& s) { return p < s.begin; });
    if (it == segments.begin()) return -1;
    --it;
    return position < it->end ? static_cast<int>(it - segments.begin()) : -1;
}

std::string tokenText(const RunData& run, int position) {
    const int nPrompt = static_cast<int>(run.header.prompt.size());
    const TokenInfo* token = nullptr;
    if (position >= 0 && position < nPrompt) token = &run.header.prompt[static_cast<size_t>(position)];
    const int step = position - nPrompt;
    if (step >= 0 && step < static_cast<int>(run.steps.size())) token = &run.steps[static_cast<size_t>(step)].token;
    if (!token) return {};
    if (token->text.empty()) return std::string("id ").append(std::to_string(token->id));
    return shownLine(token->text, kTokenCharacters).replace(' ', QChar(0x2423)).toStdString();
}

namespace {

/// Where tags of a vocabulary decide (docs/vocabularies.md).
std::string whyAttendedByTags(const RunData& run, const StepRecord& step, const Segment* own, int column) {
    if (own && own->fallback && step.phase == Phase::Global)
        return "after a malformed tag everything not hidden is read";
    if (step.phase != Phase::Focus && step.phase != Phase::Local)
        return "nothing narrows this step: not hidden, so read";
    if (column >= static_cast<int>(run.header.prompt.size())) return "the response so far can always be read";
    const int at = segmentAt(run.segments, column);
    if (at >= 0 && run.segments[static_cast<size_t>(at)].kind == SegmentKind::In)
        return "named by the section's tag: " + segmentName(run.segments[static_cast<size_t>(at)]);
    return "part of the prompt that every step sees";
}

std::string whyNotReadByTags(const RunData& run, const StepRecord& step, int column) {
    if (column >= static_cast<int>(run.header.prompt.size())) return "hidden by a tag";
    return step.phase == Phase::Local ? "the section reads no chunk" : "a chunk that the section's tag does not name";
}

std::string whyAttended(const RunData& run, const StepRecord& step, int column) {
    const MaskPolicySpec& attention = run.header.settings.attention;
    if (attention.isDense()) return "dense attention attends to everything before it";
    if (step.heads)
        return std::to_string(step.heads->at(column)) + " of the " + std::to_string(step.heads->nAll) +
               " heads chose it under " + attention.text();
    if (!attention.isDeclared()) return "among the tokens that " + attention.text() + " gives to the step";
    if (column == step.position) return "the token itself";
    const bool known = step.segment >= 0 && step.segment < static_cast<int>(run.segments.size());
    const Segment* own = known ? &run.segments[static_cast<size_t>(step.segment)] : nullptr;
    if (!run.header.vocabulary.empty()) return whyAttendedByTags(run, step, own, column);
    if (step.phase == Phase::Free) return "outside any segment everything is visible";
    if (column == 0) return "the sink: the first token is always visible";
    if (own && column >= own->begin && column < own->end) return "the step's own segment";
    if (step.phase == Phase::Global)
        return own && own->fallback ? "fallback after a violation: everything is visible"
                                    : "after <global> everything is visible";
    const int at = segmentAt(run.segments, column);
    if (own) {
        for (const SpanRef& ref : own->refs)
            if (ref.segment >= 0 && column >= ref.tokens.begin && column < ref.tokens.end &&
                ref.position <= step.position)
                return std::string("declared: <") + segmentKindName(ref.kind) + ">" + std::to_string(ref.label) + "<:>";
        if (own->fallback) return "fallback after a violation: everything is visible";
    }
    if (at < 0) return "in the step's interval list";
    const Segment& key = run.segments[static_cast<size_t>(at)];
    if (key.kind == SegmentKind::Scaffold) return "part of the prompt that every step sees";
    if (step.phase == Phase::Declare && key.kind == SegmentKind::Out)
        return at + 1 == step.segment ? "the segment before, visible while declaring"
                                      : "the head of an earlier segment, visible while declaring";
    return "in the step's interval list";
}

}  // namespace

CellInfo describeCell(const RunData& run, int step, int column) {
    CellInfo info;
    if (step < 0 || step >= static_cast<int>(run.steps.size()) || column < 0) return info;
    const StepRecord& record = run.steps[static_cast<size_t>(step)];
    info.step = step;
    info.column = column;
    info.state = maskCell({record.visible, record.position, record.phase}, column);
    info.query = tokenText(run, record.position);
    info.key = tokenText(run, column);
    info.phase = phaseName(record.phase);
    if (record.segment >= 0 && record.segment < static_cast<int>(run.segments.size()))
        info.segment = segmentName(run.segments[static_cast<size_t>(record.segment)]);
    const int at = segmentAt(run.segments, column);
    if (at >= 0) info.keySegment = segmentName(run.segments[static_cast<size_t>(at)]);
    switch (info.state) {
        case MaskState::Future: info.reason = "not written yet when this step ran"; break;
        case MaskState::NotRead:
            info.reason = !run.header.vocabulary.empty() && run.header.settings.attention.isDeclared()
                              ? whyNotReadByTags(run, record, column)
                          : !run.header.settings.attention.isDeclared()
                              ? (record.heads ? "no head chose it under " : "not among what the step is given by ") +
                                    run.header.settings.attention.text()
                          : record.phase == Phase::Local ? "in the local phase a step attends to its own segment only"
                                                         : "not among what the segment declared";
            break;
        case MaskState::Loaded: info.reason = "its page of 16 tokens holds one that is attended"; break;
        case MaskState::Attended: info.reason = whyAttended(run, record, column); break;
    }
    return info;
}

std::string cellSentence(const CellInfo& info) {
    if (info.step < 0) return "no cell";
    std::string text("step ");
    text.append(std::to_string(info.step)).append(" (").append(info.query).append(", ").append(info.phase);
    if (!info.segment.empty()) text.append(", ").append(info.segment);
    text.append("), position ").append(std::to_string(info.column));
    if (!info.key.empty()) {
        text.append(" (").append(info.key);
        if (!info.keySegment.empty()) text.append(", ").append(info.keySegment);
        text.append(")");
    }
    return text.append(": ").append(maskStateName(info.state)).append("; ").append(info.reason);
}

}  // namespace spanscope
