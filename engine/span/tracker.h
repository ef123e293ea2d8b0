// The span protocol's state machine: tokens in, visible sets out. The same object serves decoding, the
// dataset writer (whose masks train the models), the window and the tests, so training and inference
// cannot drift apart. It accepts any token stream; nonsense becomes a ProtocolViolation and never
// hides evidence (docs/protocol.md, "When the model writes nonsense").
//
// Three parts: a reader turns tokens into events (event_reader.h), this class turns events into state, and the mask
// rule turns state into interval lists (mask_rule.h). Events of the protocol's pieces are tracker.cpp, those of a
// vocabulary of tags (SpanPolicy::vocabulary) tracker_sections.cpp.
//
// Owned by one run; one thread. consume() allocates only when a phase or a segment changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/span/event_reader.h"
#include "engine/span/label.h"
#include "engine/span/mask_rule.h"
#include "engine/span/pieces.h"
#include "engine/span/sections.h"
#include "engine/span/span_policy.h"
#include "engine/types/records.h"

namespace spanscope {

/// What the query at one position may read.
struct TokenView {
    int32_t position = 0;
    int32_t segment = -1;  ///< index into segments()
    Phase phase = Phase::Free;
    SharedIntervals visible;
    uint64_t maskId = 0;  ///< changes exactly when `visible` does
};

/// A part of the prompt that a vocabulary's tags name by its number.
struct PromptChunk {
    int64_t label = 0;
    int32_t begin = 0, end = 0;  ///< tokens, half open
};

class SpanTracker {
  public:
    /// For a vocabulary that has the protocol's special pieces.
    SpanTracker(const PieceIds& pieces, const SpanPolicy& policy);
    /// reader: not null, at the beginning of a text.
    SpanTracker(std::unique_ptr<EventReader> reader, const SpanPolicy& policy);

    /// The whole prompt at once, before any consume(). Returns one view per prompt token.
    std::vector<TokenView> consumePrompt(std::span<const int32_t> tokens);
    /// The same where the policy has a vocabulary: tags in a prompt are examples, and mean nothing. chunks: ascending,
    /// disjoint, inside the prompt.
    std::vector<TokenView> consumePrompt(std::span<const int32_t> tokens, std::span<const PromptChunk> chunks);

    /// The next response token, at position nTokens(). The view is for that token's own query.
    TokenView consume(int32_t token);

    /// Ends the run: closes what is open, records a violation where the protocol wants one.
    void finish(StopReason reason);

    int32_t nTokens() const { return m_nTokens; }
    bool segmentTooLong() const { return m_tooLong; }
    /// A tag that ends the response has been read.
    bool answered() const { return m_answered; }
    /// What tags have hidden and shown again, in order; kept to itself by a run without a vocabulary.
    const std::vector<SpanChange>& changes() const { return m_changes; }
    /// Response tokens that nothing will read any more; normalised.
    const IntervalList& hiddenTokens() const { return m_state.hidden; }
    const std::vector<Segment>& segments() const { return m_state.segments; }
    const std::vector<ProtocolViolation>& violations() const { return m_violations; }
    /// Response tokens that are span markup: special pieces, labels and references.
    int32_t markupTokens() const { return m_markupTokens; }

  private:
    /// Where in a segment the text is; of an in-segment, Head or Body.
    enum class Place : uint8_t { Outside, Head, Declare, InAttend, InRef, Body };
    /// What the references in a tag do.
    enum class InTag : uint8_t { No, Opening, Changing, PassedOver };

    void onPromptEvent(const ProtocolEvent& event);
    void readInLabel(const ProtocolEvent& event);
    void openPromptSegment(SegmentKind kind, int32_t begin);
    void closePromptSegment(int32_t end);
    bool promptSegmentOpen() const { return !segments().empty() && segments().back().end == kOpenEnd; }
    std::vector<TokenView> promptViews();

    void onEvent(const ProtocolEvent& event);
    void onEventOutside(const ProtocolEvent& event);
    void onEventInSegment(const ProtocolEvent& event);
    void inHead(const ProtocolEvent& event);
    void inDeclare(const ProtocolEvent& event);
    void inAttend(const ProtocolEvent& event);
    void inRef(const ProtocolEvent& event);
    void inBody(const ProtocolEvent& event);
    void onEndOfText();
    void onNewline();
    void onMissingNewline(const ProtocolEvent& out);

    // Tags of a vocabulary.
    void onSectionEvent(const ProtocolEvent& event);
    void inTag(const ProtocolEvent& event);
    void openingTag(const ProtocolEvent& event);
    void closingTag(const ProtocolEvent& event);
    void brokenTag(const ProtocolEvent& event);
    void textInSections(const ProtocolEvent& event);
    void beginSection();
    void openSection(int32_t kind, int32_t begin, int32_t closed);
    void closeSection(int32_t contentEnd, int32_t end);
    void nameSection();
    void changeSections();
    void showAll();
    void finishSections();
    void setHidden(int32_t segment, bool hidden, int32_t by = -1);
    void widenSection(ViolationKind kind);
    bool inSection() const;
    int32_t contentEnd(const ProtocolEvent& event) const;
    const TagRule& rule() const { return m_state.policy.vocabulary->tags[static_cast<size_t>(m_rule)]; }

    void openSegment(const ProtocolEvent& out);
    void closeSegment(int32_t end);
    void endHead();
    void endRef();
    void beginBody();
    void refFailed(ViolationKind kind);
    void wholeSegmentFallback(ViolationKind kind);
    void addViolation(ViolationKind kind, int32_t position, const char* effect);

    Segment& current() { return m_state.segments[static_cast<size_t>(m_state.current)]; }
    int32_t position() const { return m_nTokens - 1; }  ///< of the token being read
    void locate(const ProtocolEvent& event);
    /// From the token being read on, the phase is this one.
    void enter(Phase phase);
    void setVisible(IntervalList list);

    CopiedReader m_reader;  // at the beginning of a text until the response begins
    SpanState m_state;
    std::vector<ProtocolViolation> m_violations;
    std::map<int64_t, int32_t> m_inLabels;   // label -> segment
    std::map<int64_t, int32_t> m_outLabels;  // closed out-segments only

    Place m_place = Place::Outside;
    Phase m_next = Phase::Free;  // phase from the next token on
    int32_t m_nTokens = 0;
    int32_t m_nCovered = 0;  // tokens whose events are known
    int32_t m_begin = 0;     // first token of the event being handled
    int32_t m_segment = -1;  // of the token being read
    int32_t m_markupTokens = 0;
    bool m_fallbackNow = false;    // everything visible until the segment ends
    bool m_fallbackFocus = false;  // focus phase widened
    bool m_attendDone = false;
    bool m_freeReported = false;
    bool m_tooLong = false;

    // Of a vocabulary.
    Sections m_sections;
    std::vector<SpanChange> m_changes;
    InTag m_inTag = InTag::No;
    int32_t m_rule = -1;           // of the tag being read
    std::vector<int32_t> m_named;  // sections that stand in it by their numbers
    bool m_spoiled = false;        // so does something else
    int32_t m_closedLast = -1;     // section that ended with the token being read, or inside it
    bool m_hiddenChanged = false;  // holds from the next token on
    bool m_answered = false;

    Label m_label;  // being read
    SegmentKind m_refKind = SegmentKind::In;

    SharedIntervals m_visible;
    uint64_t m_maskId = 0;
};

}  // namespace spanscope
