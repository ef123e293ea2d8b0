#include "engine/types/records.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace spanscope {

namespace {
constexpr std::array<std::string_view, 7> kPhases{"prompt", "declare", "global", "focus", "local", "close", "free"};
}

const char* phaseName(Phase phase) { return kPhases[static_cast<size_t>(phase)].data(); }

bool phaseFromName(const std::string& name, Phase& phase) {
    for (size_t i = 0; i < kPhases.size(); ++i) {
        if (kPhases[i] == name) {
            phase = static_cast<Phase>(i);
            return true;
        }
    }
    return false;
}

int32_t HeadCounts::at(int32_t position) const {
    const auto next = std::upper_bound(parts.begin(), parts.end(), position,
                                       [](int32_t p, const Part& part) { return p < part.begin; });
    if (next == parts.begin()) return 0;
    const Part& part = *std::prev(next);
    return position < part.end ? part.nHeads : 0;
}

double HeadCounts::mean() const {
    double sum = 0;
    for (const Part& part : parts) sum += double(part.end - part.begin) * part.nHeads;
    return nAll > 0 ? sum / nAll : 0;
}

const char* segmentKindName(SegmentKind kind) {
    switch (kind) {
        case SegmentKind::Scaffold: return "scaffold";
        case SegmentKind::In: return "in";
        case SegmentKind::Out: return "out";
    }
    return "";
}

const char* violationName(ViolationKind kind) {
    switch (kind) {
        case ViolationKind::UnknownLabel: return "unknown label";
        case ViolationKind::EmptyLabel: return "empty label";
        case ViolationKind::BadLabel: return "non-digit in label";
        case ViolationKind::LongLabel: return "label too long";
        case ViolationKind::MissingAttendEnd: return "</attend> missing";
        case ViolationKind::AttendTwice: return "<attend> twice";
        case ViolationKind::AttendEndWithout: return "</attend> without <attend>";
        case ViolationKind::FreeText: return "text outside a segment";
        case ViolationKind::DuplicateLabel: return "duplicate label";
        case ViolationKind::TooManyRefs: return "too many references";
        case ViolationKind::UnexpectedPiece: return "unexpected piece";
        case ViolationKind::SegmentNotClosed: return "segment not closed";
        case ViolationKind::SegmentTooLong: return "segment too long";
        case ViolationKind::TokenLimit: return "token limit";
        case ViolationKind::NestedTag: return "tag inside another section";
        case ViolationKind::OtherTagCloses: return "closed by another tag";
        case ViolationKind::CloseWithout: return "closing tag without an opening one";
        case ViolationKind::BrokenTag: return "tag not finished";
        case ViolationKind::NothingToHide: return "nothing to hide";
        case ViolationKind::ChangesNothing: return "changes nothing";
        case ViolationKind::TooManyHidden: return "too many sections hidden";
    }
    return "";
}

const char* stopReasonName(StopReason reason) {
    switch (reason) {
        case StopReason::Running: return "running";
        case StopReason::EndOfText: return "eos";
        case StopReason::TokenLimit: return "limit";
        case StopReason::SegmentTooLong: return "segment_too_long";
        case StopReason::ContextFull: return "context_full";
        case StopReason::Cancelled: return "cancelled";
        case StopReason::NotFinite: return "not_finite";
        case StopReason::Failed: return "failed";
        case StopReason::Repeats: return "repeats";
        case StopReason::Answered: return "answered";
    }
    return "";
}

std::string stopWords(const RunStats& stats) {
    const std::string reason = stopReasonName(stats.stop);
    return stats.stopPiece.empty() ? reason : reason + " (" + stats.stopPiece + ")";
}

double RunStats::prefillTokensPerS() const {
    return prefillNs > 0 ? (promptTokens - keptTokens) * 1e9 / double(prefillNs) : 0;
}

double RunStats::decodeTokensPerS() const {
    return responseTokens > 1 && decodeNs > 0 ? (responseTokens - 1) * 1e9 / double(decodeNs) : 0;
}

int64_t RunStats::kvLoadedBytes() const {
    int64_t bytes = 0;
    const int64_t tokens = draft.passes > 0 ? draft.loadedTokens : loadedTokens;
    return __builtin_mul_overflow(kvBytesPerToken, tokens, &bytes) ? INT64_MAX : bytes;
}

double DraftStats::acceptance() const {
    const double checked = double(accepted) + double(rejected);
    return checked > 0 ? double(accepted) / checked : 0;
}

double DraftStats::tokensPerPass() const {
    return passes > 0 ? (double(accepted) + double(passes)) / double(passes) : 0;
}

double RunStats::usefulTokensPerS() const {
    if (responseTokens <= 0) return 0;
    return decodeTokensPerS() * double(responseTokens - markupTokens) / double(responseTokens);
}

const char* draftFateName(DraftFate fate) {
    switch (fate) {
        case DraftFate::None: return "none";
        case DraftFate::Accepted: return "accepted";
        case DraftFate::Rejected: return "rejected";
    }
    return "";
}

const char* branchEditName(BranchEdit edit) {
    switch (edit) {
        case BranchEdit::None: return "none";
        case BranchEdit::Span: return "span";
        case BranchEdit::Token: return "token";
    }
    return "";
}

std::string BranchOrigin::text() const {
    return isBranch() ? "from step " + std::to_string(step) + " of run " + std::to_string(run) : std::string();
}

std::string BranchOrigin::description() const {
    return edit == BranchEdit::None ? text() : text() + ", " + branchEditName(edit) + " edited";
}

std::string AdapterOrigin::text() const {
    if (hash.empty()) return {};
    return name + ", rank " + std::to_string(rank) + ", hash " + hash;
}

}  // namespace spanscope
