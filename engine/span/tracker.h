// The span protocol's state machine: tokens in, visible sets out. The same object serves decoding, the
// dataset writer (whose masks train the models), the window and the tests, so training and inference
// cannot drift apart. It accepts any token stream; nonsense becomes a ProtocolViolation and never
// hides evidence (design: protocol, section 3).
//
// Owned by one run; one thread. consume() allocates only when a phase or a segment changes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/span/pieces.h"
#include "engine/types/records.h"

namespace spanscope {

/// What a task fixes about visibility; stored in spanscope.json, datasets and traces.
struct SpanPolicy {
    PrefillPolicy prefill = PrefillPolicy::Causal;
    bool heads = false;       ///< DECLARE also sees `<out> label <:>` of every earlier out-segment
    bool hasProtocol = true;  ///< false: free text is normal, not a violation
    int32_t maxRefs = 64;
    int32_t maxSegmentTokens = 4096;
};

/// What the query at one position may read.
struct TokenView {
    int32_t position = 0;
    int32_t segment = -1;  ///< index into segments()
    Phase phase = Phase::Free;
    SharedIntervals visible;
    uint64_t maskId = 0;  ///< changes exactly when `visible` does
};

class SpanTracker {
  public:
    SpanTracker(const PieceIds& pieces, const SpanPolicy& policy);

    /// The whole prompt at once, before any consume(). Returns one view per prompt token.
    std::vector<TokenView> consumePrompt(std::span<const int32_t> tokens);

    /// The next response token, at position nTokens(). The view is for that token's own query.
    TokenView consume(int32_t token);

    /// Ends the run: closes what is open, records a violation where the protocol wants one.
    void finish(StopReason reason);

    int32_t nTokens() const { return m_nTokens; }
    bool segmentTooLong() const { return m_tooLong; }
    const std::vector<Segment>& segments() const { return m_segments; }
    const std::vector<ProtocolViolation>& violations() const { return m_violations; }
    /// Response tokens that are span markup: special pieces, labels and references.
    int32_t markupTokens() const { return m_markupTokens; }

  private:
    enum class State : uint8_t { Outside, Head, Declare, InAttend, InRef, Body };

    TokenView consumeInSegment(int32_t token);
    void openSegment(int32_t position);
    void closeSegment(int32_t end);
    void endHead();
    void endRef(int32_t position);
    void refFailed(ViolationKind kind, int32_t position);
    void wholeSegmentFallback(ViolationKind kind, int32_t position);
    void addViolation(ViolationKind kind, int32_t position, const char* effect);
    void setVisible(Phase phase);
    IntervalList buildVisible(Phase phase) const;
    TokenView view(int32_t position, int32_t segment) const;

    PieceIds m_pieces;
    SpanPolicy m_policy;
    std::vector<Segment> m_segments;
    std::vector<ProtocolViolation> m_violations;
    std::map<int64_t, int32_t> m_inLabels;   // label -> segment
    std::map<int64_t, int32_t> m_outLabels;  // closed out-segments only
    IntervalList m_scaffold;
    IntervalList m_heads;  // of every earlier out-segment

    State m_state = State::Outside;
    Phase m_phase = Phase::Free;
    int32_t m_nTokens = 0;
    int32_t m_current = -1;   // open out-segment
    int32_t m_previous = -1;  // last closed out-segment
    int32_t m_markupTokens = 0;
    bool m_fallbackNow = false;    // everything visible until the segment ends
    bool m_fallbackFocus = false;  // focus phase widened
    bool m_attendDone = false;
    bool m_freeReported = false;
    bool m_tooLong = false;

    // label being read
    int64_t m_label = 0;
    int32_t m_labelDigits = 0;
    bool m_labelBad = false;
    SegmentKind m_refKind = SegmentKind::In;

    SharedIntervals m_visible;
    uint64_t m_maskId = 0;
};

}  // namespace spanscope
