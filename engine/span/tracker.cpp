#include "engine/span/tracker.h"

#include <algorithm>
#include <cassert>

#include "engine/types/interval_algebra.h"

namespace spanscope {

namespace {
constexpr int32_t kMaxLabelDigits = 9;
constexpr const char* kFocusWidened = "reference ignored; the focus phase reads everything";
constexpr const char* kSegmentWidened = "the segment reads everything until it ends";
}  // namespace

SpanTracker::SpanTracker(const PieceIds& pieces, const SpanPolicy& policy) : m_pieces(pieces), m_policy(policy) {}

// --- prompt ------------------------------------------------------------------------------------------

std::vector<TokenView> SpanTracker::consumePrompt(std::span<const int32_t> tokens) {
    assert(m_nTokens == 0);
    std::vector<TokenView> views;
    views.reserve(tokens.size());
    const auto everything = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
    const bool segmented = m_policy.prefill == PrefillPolicy::Segmented;
    int32_t inside = -1;  // open in-segment
    bool readingLabel = false;

    auto startScaffold = [&](int32_t at) {
        Segment s;
        s.begin = at;
        m_segments.push_back(s);
    };
    auto closeLast = [&](int32_t at) {
        if (!m_segments.empty() && m_segments.back().end == kOpenEnd) m_segments.back().end = at;
    };

    for (int32_t t = 0; t < static_cast<int32_t>(tokens.size()); ++t) {
        const int32_t token = tokens[static_cast<size_t>(t)];
        const bool opens = token == m_pieces.in && token >= 0;
        bool maskChanged = t == 0;
        if (opens) {
            closeLast(t);
            Segment s;
            s.kind = SegmentKind::In;
            s.begin = t;
            m_segments.push_back(s);
            inside = static_cast<int32_t>(m_segments.size()) - 1;
            readingLabel = true;
            m_label = 0;
            m_labelDigits = 0;
            m_labelBad = false;
            maskChanged = true;
        } else if (inside < 0 && (m_segments.empty() || m_segments.back().end != kOpenEnd)) {
            startScaffold(t);
            maskChanged = true;
        }
        if (inside >= 0 && !opens) {
            Segment& s = m_segments[static_cast<size_t>(inside)];
            if (readingLabel) {
                const int digit = m_pieces.digitOf(token);
                if (token == m_pieces.colon) {
                    readingLabel = false;
                    s.bodyBegin = t + 1;
                    if (!m_labelBad && m_labelDigits > 0) {
                        s.label = m_label;
                        m_inLabels[s.label] = inside;
                    }
                } else if (digit >= 0 && m_labelDigits < kMaxLabelDigits) {
                    m_label = m_label * 10 + digit;
                    ++m_labelDigits;
                } else {
                    m_labelBad = true;
                }
            }
        }
        const int32_t segment = static_cast<int32_t>(m_segments.size()) - 1;
        const bool isScaffold = m_segments.back().kind == SegmentKind::Scaffold;
        if (maskChanged) {
            if (segmented || t == 0) ++m_maskId;
            if (!segmented) {
                m_visible = everything;
            } else {
                // sink, scaffold before, itself
                IntervalList list{{0, 1}};
                list.insert(list.end(), m_scaffold.begin(), m_scaffold.end());
                list.push_back({m_segments.back().begin, kOpenEnd});
                m_visible = std::make_shared<const IntervalList>(normalised(std::move(list)));
            }
        }
        views.push_back(TokenView{t, segment, Phase::Prompt, m_visible, m_maskId});
        if (isScaffold) {
            if (!m_scaffold.empty() && m_scaffold.back().end == t) {
                m_scaffold.back().end = t + 1;
            } else {
                m_scaffold.push_back({t, t + 1});
            }
        }
        if (inside >= 0 && token == m_pieces.newline) {
            m_segments.back().end = t + 1;
            inside = -1;
        }
        ++m_nTokens;
    }
    closeLast(m_nTokens);
    m_state = State::Outside;
    m_phase = Phase::Free;
    if (!m_visible || *m_visible != *everything) {
        m_visible = everything;
        ++m_maskId;
    }
    return views;
}

// --- response ----------------------------------------------------------------------------------------

TokenView SpanTracker::consume(int32_t token) {
    const int32_t t = m_nTokens++;
    if (token == m_pieces.eos && token >= 0) {
        if (m_state != State::Outside) {
            if (!m_attendDone) addViolation(ViolationKind::MissingAttendEnd, t, "the run ends");
            addViolation(ViolationKind::SegmentNotClosed, t, "the run ends");
        }
        // eos is never read by anything that follows; it reads what its predecessor could.
        const TokenView v = view(t, m_current);
        if (m_current >= 0) closeSegment(t);
        return v;
    }
    if (m_state == State::Outside) {
        if (token == m_pieces.out && token >= 0) {
            openSegment(t);
            ++m_markupTokens;
            return view(t, m_current);
        }
        if (m_policy.hasProtocol && !m_freeReported) {
            addViolation(ViolationKind::FreeText, t, "everything is visible");
            m_freeReported = true;  // once for each stretch of free text
        }
        setVisible(Phase::Free);
        return view(t, -1);
    }
    return consumeInSegment(token);
}

TokenView SpanTracker::consumeInSegment(int32_t token) {
    const int32_t t = m_nTokens - 1;
    const int32_t segment = m_current;
    Segment& s = m_segments[static_cast<size_t>(segment)];

    if (t - s.begin >= m_policy.maxSegmentTokens && !m_tooLong) {
        m_tooLong = true;
        addViolation(ViolationKind::SegmentTooLong, t, "the run stops");
    }

    // The newline ends the segment, whatever state it is in; its query decides what comes next.
    if (token == m_pieces.newline) {
        if (!m_attendDone) wholeSegmentFallback(ViolationKind::MissingAttendEnd, t);
        setVisible(m_fallbackNow ? Phase::Global : Phase::Close);
        const TokenView v = view(t, segment);
        closeSegment(t + 1);
        return v;
    }
    // A new <out> where no reference can stand: the newline is missing.
    if (token == m_pieces.out && m_state != State::InAttend && m_state != State::InRef) {
        if (!m_attendDone) addViolation(ViolationKind::MissingAttendEnd, t, kSegmentWidened);
        addViolation(ViolationKind::SegmentNotClosed, t, "a new segment begins");
        closeSegment(t);
        openSegment(t);
        ++m_markupTokens;
        return view(t, m_current);
    }

    const int digit = m_pieces.digitOf(token);
    const bool special = m_pieces.isSpecial(token);
    if (special || m_state == State::Head || m_state == State::InRef) ++m_markupTokens;

    // What a piece ends still holds for its own query; `next` is what holds from the next position on.
    Phase next = m_phase;
    bool refBecameVisible = false;

    switch (m_state) {
        case State::Head:
            if (token == m_pieces.colon) {
                endHead();
                m_state = State::Declare;
            } else if (digit >= 0) {
                if (m_labelDigits < kMaxLabelDigits) m_label = m_label * 10 + digit;
                ++m_labelDigits;
            } else if (token == m_pieces.attend) {  // head never closed
                m_labelBad = true;
                endHead();
                m_state = State::InAttend;
            } else if (token == m_pieces.attendEnd) {
                m_labelBad = true;
                endHead();
                wholeSegmentFallback(ViolationKind::AttendEndWithout, t);
                s.bodyBegin = t + 1;
                m_attendDone = true;
                m_state = State::Body;
            } else {
                m_labelBad = true;
                if (special) wholeSegmentFallback(ViolationKind::UnexpectedPiece, t);
            }
            break;
        case State::Declare:
            if (token == m_pieces.attend) {
                m_state = State::InAttend;
            } else if (token == m_pieces.global && m_phase == Phase::Declare) {
                next = Phase::Global;
            } else if (token == m_pieces.attendEnd) {
                wholeSegmentFallback(ViolationKind::AttendEndWithout, t);
                s.bodyBegin = t + 1;
                m_attendDone = true;  // reported; the body begins all the same
                m_state = State::Body;
            } else if (special) {
                wholeSegmentFallback(ViolationKind::UnexpectedPiece, t);
            }
            break;
        case State::InRef:
            if (token == m_pieces.colon) {
                const size_t before = s.refs.size();
                endRef(t);
                refBecameVisible = s.refs.size() > before && s.refs.back().segment >= 0;
                m_state = State::InAttend;
                break;
            }
            if (digit >= 0) {
                if (m_labelDigits < kMaxLabelDigits) m_label = m_label * 10 + digit;
                ++m_labelDigits;
                break;
            }
            if (!special) {
                m_labelBad = true;
                break;
            }
            // A piece where the label's <:> should be: the reference is lost, the piece counts for itself.
            refFailed(ViolationKind::BadLabel, t);
            m_state = State::InAttend;
            [[fallthrough]];
        case State::InAttend:
            if (token == m_pieces.in || token == m_pieces.out) {
                m_refKind = token == m_pieces.in ? SegmentKind::In : SegmentKind::Out;
                m_label = 0;
                m_labelDigits = 0;
                m_labelBad = false;
                m_state = State::InRef;
            } else if (token == m_pieces.attendEnd) {
                m_attendDone = true;
                s.bodyBegin = t + 1;
                m_state = State::Body;
                next = m_fallbackFocus ? Phase::Global : Phase::Focus;
            } else if (token == m_pieces.attend) {
                wholeSegmentFallback(ViolationKind::AttendTwice, t);
            } else {
                refFailed(ViolationKind::UnexpectedPiece, t);
            }
            break;
        case State::Body:
            if (token == m_pieces.local && (m_phase == Phase::Focus || (m_phase == Phase::Global && !m_fallbackNow))) {
                next = Phase::Local;
            } else if (token == m_pieces.attend) {
                wholeSegmentFallback(ViolationKind::AttendTwice, t);
            } else if (token == m_pieces.attendEnd) {
                wholeSegmentFallback(ViolationKind::AttendEndWithout, t);
            } else if (special && !m_fallbackNow) {
                wholeSegmentFallback(ViolationKind::UnexpectedPiece, t);
            }
            break;
        case State::Outside: break;
    }

    if (refBecameVisible) setVisible(m_phase);
    const TokenView v = view(t, segment);
    if (m_fallbackNow) next = Phase::Global;
    if (next != m_phase) setVisible(next);
    return v;
}

void SpanTracker::finish(StopReason reason) {
    if (reason == StopReason::TokenLimit || reason == StopReason::ContextFull)
        addViolation(ViolationKind::TokenLimit, m_nTokens, "the run stops");
    if (m_current >= 0) closeSegment(m_nTokens);
}

void SpanTracker::openSegment(int32_t position) {
    Segment s;
    s.kind = SegmentKind::Out;
    s.begin = position;
    m_segments.push_back(s);
    m_current = static_cast<int32_t>(m_segments.size()) - 1;
    m_state = State::Head;
    m_label = 0;
    m_labelDigits = 0;
    m_labelBad = false;
    m_attendDone = m_fallbackNow = m_fallbackFocus = m_freeReported = false;
    setVisible(Phase::Declare);
}

void SpanTracker::closeSegment(int32_t end) {
    Segment& s = m_segments[static_cast<size_t>(m_current)];
    s.end = end;
    s.fallback = m_fallbackNow || m_fallbackFocus;
    if (s.label >= 0) m_outLabels[s.label] = m_current;
    m_previous = m_current;
    m_current = -1;
    m_state = State::Outside;
}

void SpanTracker::endHead() {
    Segment& s = m_segments[static_cast<size_t>(m_current)];
    const int32_t t = m_nTokens - 1;
    if (m_labelBad || m_labelDigits == 0 || m_labelDigits > kMaxLabelDigits) {
        // Nobody can refer to it; its own reading is not in doubt, so nothing is widened.
        addViolation(m_labelBad ? ViolationKind::BadLabel
                                : (m_labelDigits == 0 ? ViolationKind::EmptyLabel : ViolationKind::LongLabel),
                     t, "the segment cannot be referred to");
    } else {
        if (m_outLabels.count(m_label)) addViolation(ViolationKind::DuplicateLabel, t, "the newer segment wins");
        s.label = m_label;
    }
    m_heads.push_back({s.begin, t + 1});
}

void SpanTracker::endRef(int32_t position) {
    Segment& s = m_segments[static_cast<size_t>(m_current)];
    if (m_labelBad) return refFailed(ViolationKind::BadLabel, position);
    if (m_labelDigits == 0) return refFailed(ViolationKind::EmptyLabel, position);
    if (m_labelDigits > kMaxLabelDigits) return refFailed(ViolationKind::LongLabel, position);
    const auto& labels = m_refKind == SegmentKind::In ? m_inLabels : m_outLabels;
    const auto found = labels.find(m_label);
    if (found == labels.end()) return refFailed(ViolationKind::UnknownLabel, position);
    const auto nValid = std::count_if(s.refs.begin(), s.refs.end(), [](const SpanRef& r) { return r.segment >= 0; });
    if (nValid >= m_policy.maxRefs) return refFailed(ViolationKind::TooManyRefs, position);
    const Segment& target = m_segments[static_cast<size_t>(found->second)];
    s.refs.push_back({m_refKind, m_label, found->second, position, {target.begin, target.end}});
}

void SpanTracker::refFailed(ViolationKind kind, int32_t position) {
    addViolation(kind, position, kFocusWidened);
    m_fallbackFocus = true;
    Segment& s = m_segments[static_cast<size_t>(m_current)];
    if (m_state == State::InRef && static_cast<int32_t>(s.refs.size()) < 2 * m_policy.maxRefs) {
        const bool readable = !m_labelBad && m_labelDigits > 0 && m_labelDigits <= kMaxLabelDigits;
        s.refs.push_back({m_refKind, readable ? m_label : -1, -1, position, {}});
    }
}

void SpanTracker::wholeSegmentFallback(ViolationKind kind, int32_t position) {
    addViolation(kind, position, kSegmentWidened);
    m_fallbackNow = true;
}

void SpanTracker::addViolation(ViolationKind kind, int32_t position, const char* effect) {
    if (!m_policy.hasProtocol) return;
    m_violations.push_back({kind, position, m_current, effect});
}

void SpanTracker::setVisible(Phase phase) {
    IntervalList list = buildVisible(phase);
    m_phase = phase;
    if (m_visible && *m_visible == list) return;
    m_visible = std::make_shared<const IntervalList>(std::move(list));
    ++m_maskId;
}

// THE MASK RULE. What each phase may read, on top of causality (design: protocol, section 2).
IntervalList SpanTracker::buildVisible(Phase phase) const {
    if (phase == Phase::Global || phase == Phase::Free || phase == Phase::Prompt || m_current < 0)
        return {{0, kOpenEnd}};

    const Segment& own = m_segments[static_cast<size_t>(m_current)];
    IntervalList list{{0, 1}, {own.begin, kOpenEnd}};  // sink and own segment: always
    auto add = [&list](const IntervalList& more) { list.insert(list.end(), more.begin(), more.end()); };
    auto addRefs = [&] {
        for (const SpanRef& r : own.refs)
            if (r.segment >= 0) list.push_back(r.tokens);
    };
    switch (phase) {
        case Phase::Declare:
            add(m_scaffold);
            if (m_previous >= 0) {
                const Segment& p = m_segments[static_cast<size_t>(m_previous)];
                list.push_back({p.begin, p.end});
            }
            if (m_policy.heads) add(m_heads);
            addRefs();
            break;
        case Phase::Focus:
            add(m_scaffold);
            addRefs();
            break;
        case Phase::Close: add(m_scaffold); break;
        case Phase::Local:
        default: break;
    }
    return normalised(std::move(list));
}

TokenView SpanTracker::view(int32_t position, int32_t segment) const {
    return {position, segment, m_phase, m_visible, m_maskId};
}

}  // namespace spanscope
