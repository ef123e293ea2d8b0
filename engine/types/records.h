// The payloads that leave the engine: what a run did, step by step. Plain values, copied or shared
// immutable; the window, the trace files and the CLI all speak in these and in nothing else.
// Any thread may read them once they are published.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/types/interval.h"
#include "engine/types/layer_windows.h"
#include "engine/types/mask_policy_spec.h"

namespace spanscope {

/// Where a token stands in the span protocol (docs/protocol.md, "What a token may read").
enum class Phase : uint8_t {
    Prompt,   ///< prefilled
    Declare,  ///< <out> .. </attend>: names what it will read
    Global,   ///< inside a declaration after <global>, or a fallback: everything
    Focus,    ///< after </attend>: scaffold and the declared references
    Local,    ///< after <local>: its own segment only
    Close,    ///< the newline that ends a segment
    Free,     ///< outside any segment: everything
};
const char* phaseName(Phase phase);                         ///< "declare", "focus", ...
bool phaseFromName(const std::string& name, Phase& phase);  ///< false if unknown

enum class SegmentKind : uint8_t { Scaffold, In, Out };
const char* segmentKindName(SegmentKind kind);

/// How a prompt is prefilled.
enum class PrefillPolicy : uint8_t {
    Causal,     ///< every token reads all before it
    Segmented,  ///< an in-segment reads the sink, the scaffold before it and itself
};

enum class ViolationKind : uint8_t {
    UnknownLabel,  ///< reference to a label nobody has
    EmptyLabel,
    BadLabel,          ///< non-digit inside a label
    LongLabel,         ///< more than 9 digits
    MissingAttendEnd,  ///< segment ended inside or before its declaration
    AttendTwice,
    AttendEndWithout,  ///< </attend> without <attend>
    FreeText,          ///< text outside any out-segment
    DuplicateLabel,    ///< an out label used again; the newer wins
    TooManyRefs,
    UnexpectedPiece,   ///< a special piece where the grammar has none
    SegmentNotClosed,  ///< <out> or <eos> before the newline
    SegmentTooLong,
    TokenLimit,  ///< no <eos> by the limit
    // Of tags that are text (engine/span/vocabulary.h).
    NestedTag,       ///< an opening tag inside another section
    OtherTagCloses,  ///< a section ended by the closing tag of another kind
    CloseWithout,    ///< a closing tag outside any section
    BrokenTag,       ///< a tag that was begun and not finished
    NothingToHide,   ///< a summary of nothing
    ChangesNothing,  ///< shows what is not hidden, or hides what is
    TooManyHidden,   ///< more sections than can be hidden at a time
};
inline constexpr ViolationKind kLastViolation = ViolationKind::TooManyHidden;
const char* violationName(ViolationKind kind);

struct ProtocolViolation {
    ViolationKind kind = ViolationKind::FreeText;
    int32_t position = 0;  ///< absolute token position
    int32_t segment = -1;  ///< index into RunData::segments, -1 outside
    std::string effect;    ///< what was done about it, a phrase
};

/// A section of a vocabulary that is hidden from, or shown to, what is written from a position on.
struct SpanChange {
    int32_t position = 0;  ///< of the last token that reads as before
    int32_t segment = -1;  ///< index into RunData::segments
    bool hidden = false;   ///< from then on
    bool operator==(const SpanChange&) const = default;
};

/// One reference inside a declaration, as written and as understood.
struct SpanRef {
    SegmentKind kind = SegmentKind::In;
    int64_t label = -1;    ///< -1: could not be read
    int32_t segment = -1;  ///< index into RunData::segments, -1: ignored
    int32_t position = 0;  ///< of its closing <:>, from which on it is visible
    Interval tokens;       ///< what it resolved to; empty if ignored
};

/// A piece of prompt or response that the protocol knows by name.
struct Segment {
    SegmentKind kind = SegmentKind::Scaffold;
    int64_t label = -1;
    int32_t begin = 0;          ///< absolute token positions, half open
    int32_t end = kOpenEnd;     ///< kOpenEnd while being written
    int32_t bodyBegin = -1;     ///< first token after </attend> (out) or after <:> (in); -1 if not reached
    std::vector<SpanRef> refs;  ///< out-segments only
    bool fallback = false;      ///< its focus phase was widened to everything
    std::string name{};         ///< of a vocabulary's section: its kind; empty: the protocol's own
};

/// One token of prompt or response.
struct TokenInfo {
    int32_t id = 0;
    std::string text;      ///< as displayed; a byte piece that completes a character carries the character
    bool special = false;  ///< a protocol or control piece, drawn as a chip
};

/// How many heads read which positions in a step, where each head of each layer chooses for itself
/// (engine/policy/selecting_policy.h).
struct HeadCounts {
    /// Positions [begin, end), read by nHeads of the heads.
    struct Part {
        int32_t begin = 0, end = 0;
        int32_t nHeads = 0;
        bool operator==(const Part&) const = default;
    };
    int32_t nAll = 0;                    ///< heads of all layers together
    std::vector<Part> parts;             ///< ascending, apart or of different counts; together the step's list
    int32_t at(int32_t position) const;  ///< heads that read it
    double mean() const;                 ///< tokens that a head reads
    bool operator==(const HeadCounts&) const = default;
};
using SharedHeadCounts = std::shared_ptr<const HeadCounts>;

/// How a token of a lossless run came about (docs/lossless.md).
enum class DraftFate : uint8_t {
    None,      ///< nothing was drafted for its place
    Accepted,  ///< dense decoding says what was drafted
    Rejected,  ///< it says another token, this one
};
const char* draftFateName(DraftFate fate);

/// One decoded token: the query at `position`, what it was allowed to read, and what that cost.
/// The token in `token` stands at `position`; it was sampled by the step before and read here.
struct StepRecord {
    int32_t index = 0;     ///< 0 = first response token
    int32_t position = 0;  ///< absolute
    TokenInfo token;
    int32_t segment = -1;  ///< index into RunData::segments
    Phase phase = Phase::Free;
    SharedIntervals visible;  ///< taken from the kernel's own input, never recomputed
    SharedHeadCounts heads;   ///< null: every head reads `visible`; else that is what any of them reads
    int32_t attended = 0;     ///< tokens in the list that the query may read
    int32_t loaded = 0;       ///< the same, rounded outward to pages; the mean over layers where these have windows
    int32_t causal = 0;       ///< position + 1
    int64_t deviceNs = 0;     ///< backend time of this step
    int64_t wallNs = 0;       ///< wall time of this step: tracker, backend, sampler
    int64_t atNs = 0;         ///< end of the step, since the run's own clock started (its slices only)
    float logprob = 0;        ///< natural log of the probability with which this token was chosen
    DraftFate draft = DraftFate::None;
    std::string rejectedText;  ///< DraftFate::Rejected: what had been drafted
};

enum class StopReason : uint8_t {
    Running,
    EndOfText,
    TokenLimit,
    SegmentTooLong,
    ContextFull,
    Cancelled,
    NotFinite,  ///< the model's logits hold NaN or infinity: no token follows from them
    Failed,
    Repeats,   ///< the response says again what it has said
    Answered,  ///< a closing tag of a vocabulary ends the response
};
inline constexpr StopReason kLastStopReason = StopReason::Answered;
const char* stopReasonName(StopReason reason);

/// Totals of a lossless run's drafts; all 0 in other runs. What was drafted behind a rejected token is neither accepted
/// nor rejected.
struct DraftStats {
    int64_t drafted = 0, accepted = 0, rejected = 0;
    int64_t passes = 0;   ///< that verified, those with nothing drafted among them
    int64_t draftNs = 0;  ///< wall time of drafting
    int64_t passNs = 0;   ///< of verifying
    /// KV tokens loaded by drafts and passes together; a pass loads what its last token may read, once for all.
    int64_t loadedTokens = 0;
    /// Of a token whose predecessors were accepted; 0 where none was looked at.
    double acceptance() const;
    double tokensPerPass() const;  ///< 0 without a pass
    bool operator==(const DraftStats&) const = default;
};

/// Totals of one run; definitions in README "Metrics".
struct RunStats {
    int32_t promptTokens = 0;
    int32_t keptTokens = 0;  ///< of the prompt: their keys and values were there already and were not computed again
    int32_t responseTokens = 0;
    int32_t markupTokens = 0;  ///< response tokens that are span markup (special pieces, labels, refs)
    int64_t loadNs = 0;        ///< model open to ready; part of no rate
    int64_t prefillNs = 0;
    int64_t ttftNs = 0;          ///< request accepted to first token, load excluded
    int64_t decodeNs = 0;        ///< first token available to last token available
    int64_t attendedTokens = 0;  ///< summed over steps
    /// The same as the mean over layers and heads, where each chooses for itself (engine/policy/selecting_policy.h) and
    /// a step's list is what any of them read, rounded in each step; 0: all read the list.
    int64_t headAttendedTokens = 0;
    int64_t loadedTokens = 0;
    int64_t causalTokens = 0;
    int64_t kvStoredBytes = 0;    ///< at the end
    int64_t kvBytesPerToken = 0;  ///< keys and values of one token, all layers
    StopReason stop = StopReason::Running;
    int32_t stopId =
        -1;  ///< the token that ended it (StopReason::EndOfText), which has no step; -1: none, or not known
    std::string stopPiece;  ///< its name; empty as above
    DraftStats draft;

    double prefillTokensPerS() const;  ///< without those kept
    double decodeTokensPerS() const;   ///< (N - 1) / decode time; 0 if N < 2
    double usefulTokensPerS() const;   ///< decode t/s without markup
    int64_t kvLoadedBytes()
        const;  ///< keys and values read, over all steps; the largest number where it is beyond counting
    int64_t attendedByHead() const { return headAttendedTokens > 0 ? headAttendedTokens : attendedTokens; }
    double attendedFraction() const { return causalTokens ? double(attendedByHead()) / double(causalTokens) : 0; }
    double loadedFraction() const { return causalTokens ? double(loadedTokens) / double(causalTokens) : 0; }
};

/// "eos (<|im_end|>)": the reason, with the piece that ended the run where it is known.
std::string stopWords(const RunStats& stats);

struct SamplerSettings {
    float temperature = 0;  ///< 0 = greedy
    int32_t topK = 0;       ///< 0 = off
    float topP = 1;
    float minP = 0;
    float repeatPenalty = 1;
    int32_t repeatLastN = 64;
    uint64_t seed = 0;  ///< resolved; what a run really used
};

/// What a person or a script asks for. Copied when the run starts.
struct RunSettings {
    std::string task;                ///< "expression", "sheet", "news", "text", "chat"
    std::string systemText;          ///< chat: what the model is told before the question; empty: nothing
    std::string promptText;          ///< as typed
    std::vector<int32_t> promptIds;  ///< if not empty, used instead of promptText
    MaskPolicySpec attention;        ///< which tokens a query may read
    int32_t maxTokens = -1;          ///< -1 = until end or context
    int32_t contextTokens = 0;       ///< 0 = the model's
    SamplerSettings sampler;
    std::optional<bool> thinking;  ///< chat: what a template that reads enable_thinking is told; absent: nothing
    /// The description of a vocabulary of tags (docs/vocabularies.md), as JSON text; empty: none. With one, the prompt
    /// teaches it and the tracker follows its tags.
    std::string vocabulary;
};

/// The adapter that the model had.
struct AdapterOrigin {
    std::string name, hash;  ///< empty: none
    int32_t rank = 0;
    /// "name, rank 16, hash 0123456789abcdef"; empty if there is none.
    std::string text() const;
};

/// What a person who keeps a run calls it, and where it stands among the runs of a session.
struct RunLabel {
    int64_t number = 0;  ///< 1, 2, 3 ...; 0: none
    std::string name, notes;
    int64_t endedAtMs = 0;  ///< since 1970, UTC; 0: not known
    bool operator==(const RunLabel&) const = default;
};

/// What was changed where a run leaves another one.
enum class BranchEdit : uint8_t {
    None,
    Span,   ///< what the first new step could read
    Token,  ///< the first new tokens
};
const char* branchEditName(BranchEdit edit);

/// Of a run that goes on from another one: its steps before `step` are those of that run, times included.
struct BranchOrigin {
    int64_t run = 0;  ///< the other run's number, its id where it has none
    int32_t step = -1;
    BranchEdit edit = BranchEdit::None;
    bool isBranch() const { return step >= 0; }
    /// "from step 57 of run 3"; empty where the run is no branch.
    std::string text() const;
    /// "from step 57 of run 3, span edited"; empty where the run is no branch.
    std::string description() const;
    bool operator==(const BranchOrigin&) const = default;
};

/// Everything about one run that is known at its start.
struct RunHeader {
    int64_t runId = 0;
    RunSettings settings;
    std::string formattedPrompt;  ///< after the task's formatter
    std::string modelName;
    std::string modelHash;  ///< of config and weights, hexadecimal; with an adapter: of both
    AdapterOrigin adapter;
    std::string backend, device;
    std::string kvType;  ///< of the KV cache, "BF16"; empty in recordings from before it was told
    std::string machine;
    std::string programVersion;
    int32_t nThreads = 0;
    int32_t nLayers = 0, nHeads = 0, nKvHeads = 0;
    LayerWindows layerWindows;       ///< empty: every layer reads the whole list
    int64_t weightBytesPerStep = 0;  ///< that a step reads; 0 in recordings from before it was told
    std::string warning;             ///< e.g. outside what the model was trained for; empty if none
    std::string exactAnswer;         ///< by plain arithmetic, before the run; empty where nobody can know
    std::string uncheckable;         ///< why there is no exact answer though the task has them; empty otherwise
    RunLabel label;
    BranchOrigin branch;
    bool hasProtocol = true;
    std::string vocabulary;  ///< name of settings.vocabulary; empty: none
    PrefillPolicy prefill = PrefillPolicy::Causal;
    bool heads = false;
    std::vector<TokenInfo> prompt;
    std::vector<SharedIntervals> promptVisible;  ///< (prompt tokens) lists used by prefill
};

/// A whole run, live or recorded. Steps and segments only ever grow; segments' ends are filled in later.
struct RunData {
    RunHeader header;
    std::vector<StepRecord> steps;
    std::vector<Segment> segments;  ///< prompt's first, then the response's, by position
    std::vector<ProtocolViolation> violations;
    std::vector<SpanChange> changes;  ///< in order
    RunStats stats;
    std::string answer;  ///< task's reading of the response; empty if none
};

}  // namespace spanscope
