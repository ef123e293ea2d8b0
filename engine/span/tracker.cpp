#include "engine/span/tracker.h"

#include <algorithm>
#include <cassert>

#include "engine/span/piece_reader.h"

namespace spanscope {

namespace {
constexpr const char* kFocusWidened = "reference ignored; the focus phase reads everything";
constexpr const char* kSegmentWidened = "the segment reads everything until it ends";
}  // namespace

SpanTracker::SpanTracker(const PieceIds& pieces, const SpanPolicy& policy)
    : SpanTracker(std::make_unique<PieceReader>(pieces), policy) {}

SpanTracker::SpanTracker(std::unique_ptr<EventReader> reader, const SpanPolicy& policy) : m_reader(std::move(reader)) {
    m_state.policy = policy;
    m_sections = Sections(policy.vocabulary);
}

// --- prompt ------------------------------------------------------------------------------------------

std::vector<TokenView> SpanTracker::consumePrompt(std::span<const int32_t> tokens) {
    assert(m_nTokens == 0);
    CopiedReader reader = m_reader;  // no mark reaches from the prompt into the response
    for (const int32_t token : tokens) {
        ++m_nTokens;
        const auto events = reader.read(token);
        if (events.empty() && !promptSegmentOpen()) openPromptSegment(SegmentKind::Scaffold, position());
        for (const ProtocolEvent& event : events) {
            locate(event);
            onPromptEvent(event);
        }
    }
    m_nCovered = m_nTokens;
    if (promptSegmentOpen()) closePromptSegment(m_nTokens);
    m_place = Place::Outside;
    std::vector<TokenView> views = promptViews();
    m_state.current = -1;
    m_state.response = m_nTokens;
    enter(Phase::Free);
    return views;
}

std::vector<TokenView> SpanTracker::consumePrompt(std::span<const int32_t> tokens,
                                                  std::span<const PromptChunk> chunks) {
    assert(m_nTokens == 0);
    const auto nPrompt = static_cast<int32_t>(tokens.size());
    const auto scaffoldUpTo = [&](int32_t end) {
        if (m_nTokens >= end) return;
        openPromptSegment(SegmentKind::Scaffold, m_nTokens);
        closePromptSegment(m_nTokens = end);
    };
    for (const PromptChunk& chunk : chunks) {
        assert(chunk.begin >= m_nTokens && chunk.end >= chunk.begin && chunk.end <= nPrompt);
        scaffoldUpTo(chunk.begin);
        if (chunk.begin == chunk.end) continue;
        openPromptSegment(SegmentKind::In, chunk.begin);
        Segment& s = m_state.segments.back();
        s.label = chunk.label;
        s.bodyBegin = chunk.begin;
        s.name = "chunk";
        m_inLabels[chunk.label] = static_cast<int32_t>(m_state.segments.size()) - 1;
        closePromptSegment(m_nTokens = chunk.end);
    }
    scaffoldUpTo(nPrompt);
    m_nCovered = m_nTokens;
    std::vector<TokenView> views = promptViews();
    m_state.current = -1;
    m_state.response = m_nTokens;
    m_sections.begin(static_cast<int32_t>(m_state.segments.size()));
    enter(Phase::Free);
    return views;
}

void SpanTracker::onPromptEvent(const ProtocolEvent& event) {
    if (event.mark == Mark::In) {
        openPromptSegment(SegmentKind::In, m_begin);
        m_place = Place::Head;
        m_label = {};
        return;
    }
    if (!promptSegmentOpen()) openPromptSegment(SegmentKind::Scaffold, m_begin);
    if (m_state.segments.back().kind != SegmentKind::In) return;
    if (m_place == Place::Head) readInLabel(event);
    if (event.mark == Mark::Newline) closePromptSegment(m_nTokens);
}

void SpanTracker::readInLabel(const ProtocolEvent& event) {
    if (event.mark == Mark::Digit) return m_label.addDigit(event.digit);
    if (event.mark != Mark::Colon) return m_label.spoil();
    Segment& s = m_state.segments.back();
    s.bodyBegin = m_nTokens;
    s.label = m_label.value();
    if (m_label.usable()) m_inLabels[s.label] = static_cast<int32_t>(m_state.segments.size()) - 1;
    m_place = Place::Body;
}

void SpanTracker::openPromptSegment(SegmentKind kind, int32_t begin) {
    if (promptSegmentOpen()) closePromptSegment(begin);
    Segment s;
    s.kind = kind;
    s.begin = begin;
    m_state.segments.push_back(s);
}

void SpanTracker::closePromptSegment(int32_t end) {
    Segment& s = m_state.segments.back();
    s.end = end;
    if (s.begin == end) m_state.segments.pop_back();  // opened for what was the beginning of a mark
    else if (s.kind == SegmentKind::Scaffold) m_state.scaffold.push_back({s.begin, end});
}

std::vector<TokenView> SpanTracker::promptViews() {
    std::vector<TokenView> views;
    views.reserve(static_cast<size_t>(m_nTokens));
    for (size_t i = 0; i < m_state.segments.size(); ++i) {
        m_state.current = static_cast<int32_t>(i);
        enter(Phase::Prompt);
        for (int32_t t = m_state.segments[i].begin; t < m_state.segments[i].end; ++t)
            views.push_back({t, m_state.current, Phase::Prompt, m_visible, m_maskId});
    }
    return views;
}

// --- response ----------------------------------------------------------------------------------------

TokenView SpanTracker::consume(int32_t token) {
    ++m_nTokens;
    m_segment = m_state.current;
    m_closedLast = -1;
    if (m_hiddenChanged) m_state.hidden = m_sections.hiddenTokens();
    if (m_next != m_state.phase || m_hiddenChanged) enter(m_next);
    m_hiddenChanged = false;
    const auto events = m_reader.read(token);
    if (events.empty() && m_place == Place::Outside) enter(Phase::Free);  // unless a mark comes of it
    for (const ProtocolEvent& event : events) {
        locate(event);
        onEvent(event);
    }
    return {position(), m_segment, m_state.phase, m_visible, m_maskId};
}

void SpanTracker::onEvent(const ProtocolEvent& event) {
    if (m_state.policy.vocabulary) onSectionEvent(event);
    else if (event.mark == Mark::EndOfText) onEndOfText();
    else if (m_place == Place::Outside) onEventOutside(event);
    else onEventInSegment(event);
}

/// What ends a text is never read by anything that follows; it reads what its predecessor could.
void SpanTracker::onEndOfText() {
    if (m_place == Place::Outside) return;
    if (!m_attendDone) addViolation(ViolationKind::MissingAttendEnd, position(), "the run ends");
    addViolation(ViolationKind::SegmentNotClosed, position(), "the run ends");
    closeSegment(position());
}

void SpanTracker::onEventOutside(const ProtocolEvent& event) {
    if (event.mark == Mark::Out) return openSegment(event);
    if (!m_freeReported) addViolation(ViolationKind::FreeText, position(), "everything is visible");
    m_freeReported = true;  // once for each stretch of free text
    enter(Phase::Free);
}

void SpanTracker::onEventInSegment(const ProtocolEvent& event) {
    if (position() - current().begin >= m_state.policy.maxSegmentTokens && !m_tooLong) {
        m_tooLong = true;
        addViolation(ViolationKind::SegmentTooLong, position(), "the run stops");
    }
    const bool canRefer = m_place == Place::InAttend || m_place == Place::InRef;
    if (event.mark == Mark::Newline) return onNewline();
    if (event.mark == Mark::Out && !canRefer) return onMissingNewline(event);
    if (isTag(event.mark) || m_place == Place::Head || m_place == Place::InRef) m_markupTokens += event.nTokens;
    switch (m_place) {
        case Place::Head: return inHead(event);
        case Place::Declare: return inDeclare(event);
        case Place::InAttend: return inAttend(event);
        case Place::InRef: return inRef(event);
        case Place::Body: return inBody(event);
        case Place::Outside: return;
    }
}

/// Ends the segment, wherever it is; its own query decides what comes next.
void SpanTracker::onNewline() {
    if (!m_attendDone) wholeSegmentFallback(ViolationKind::MissingAttendEnd);
    enter(m_fallbackNow ? Phase::Global : Phase::Close);
    closeSegment(m_nTokens);
}

/// An <out> where no reference can stand.
void SpanTracker::onMissingNewline(const ProtocolEvent& out) {
    if (!m_attendDone) addViolation(ViolationKind::MissingAttendEnd, position(), kSegmentWidened);
    addViolation(ViolationKind::SegmentNotClosed, position(), "a new segment begins");
    closeSegment(m_begin);
    openSegment(out);
}

void SpanTracker::inHead(const ProtocolEvent& event) {
    switch (event.mark) {
        case Mark::Colon:
            endHead();
            m_place = Place::Declare;
            return;
        case Mark::Digit: return m_label.addDigit(event.digit);
        case Mark::Attend:  // the head was never closed
            m_label.spoil();
            endHead();
            m_place = Place::InAttend;
            return;
        case Mark::AttendEnd:
            m_label.spoil();
            endHead();
            wholeSegmentFallback(ViolationKind::AttendEndWithout);
            return beginBody();
        default:
            m_label.spoil();
            if (isTag(event.mark)) wholeSegmentFallback(ViolationKind::UnexpectedPiece);
    }
}

void SpanTracker::inDeclare(const ProtocolEvent& event) {
    if (event.mark == Mark::Attend) {
        m_place = Place::InAttend;
    } else if (event.mark == Mark::Global && m_next == Phase::Declare) {
        m_next = Phase::Global;
    } else if (event.mark == Mark::AttendEnd) {
        wholeSegmentFallback(ViolationKind::AttendEndWithout);
        beginBody();  // reported; the body begins all the same
    } else if (isTag(event.mark)) {
        wholeSegmentFallback(ViolationKind::UnexpectedPiece);
    }
}

void SpanTracker::inAttend(const ProtocolEvent& event) {
    switch (event.mark) {
        case Mark::In:
        case Mark::Out:
            m_refKind = event.mark == Mark::In ? SegmentKind::In : SegmentKind::Out;
            m_label = {};
            m_place = Place::InRef;
            return;
        case Mark::AttendEnd:
            m_next = m_fallbackNow || m_fallbackFocus ? Phase::Global : Phase::Focus;
            return beginBody();
        case Mark::Attend: return wholeSegmentFallback(ViolationKind::AttendTwice);
        default: return refFailed(ViolationKind::UnexpectedPiece);
    }
}

void SpanTracker::inRef(const ProtocolEvent& event) {
    if (event.mark == Mark::Colon) {
        endRef();
        m_place = Place::InAttend;
    } else if (event.mark == Mark::Digit) {
        m_label.addDigit(event.digit);
    } else if (!isTag(event.mark)) {
        m_label.spoil();
    } else {  // where the label's <:> should be: the reference is lost, the tag counts for itself
        refFailed(ViolationKind::BadLabel);
        m_place = Place::InAttend;
        inAttend(event);
    }
}

void SpanTracker::inBody(const ProtocolEvent& event) {
    const bool mayNarrow = m_next == Phase::Focus || (m_next == Phase::Global && !m_fallbackNow);
    if (event.mark == Mark::Local && mayNarrow) {
        m_next = Phase::Local;
    } else if (event.mark == Mark::Attend) {
        wholeSegmentFallback(ViolationKind::AttendTwice);
    } else if (event.mark == Mark::AttendEnd) {
        wholeSegmentFallback(ViolationKind::AttendEndWithout);
    } else if (isTag(event.mark) && !m_fallbackNow) {
        wholeSegmentFallback(ViolationKind::UnexpectedPiece);
    }
}

void SpanTracker::finish(StopReason reason) {
    if (m_state.policy.vocabulary) finishSections();
    if (reason == StopReason::TokenLimit || reason == StopReason::ContextFull)
        addViolation(ViolationKind::TokenLimit, m_nTokens, "the run stops");
    if (m_state.current >= 0) closeSegment(m_nTokens);
}

void SpanTracker::openSegment(const ProtocolEvent& out) {
    Segment s;
    s.kind = SegmentKind::Out;
    s.begin = m_begin;
    m_state.segments.push_back(s);
    m_state.current = m_segment = static_cast<int32_t>(m_state.segments.size()) - 1;
    m_place = Place::Head;
    m_label = {};
    m_attendDone = m_fallbackNow = m_fallbackFocus = m_freeReported = false;
    m_markupTokens += out.nTokens;
    enter(Phase::Declare);
}

void SpanTracker::closeSegment(int32_t end) {
    Segment& s = current();
    s.end = end;
    s.fallback = m_fallbackNow || m_fallbackFocus;
    if (s.label >= 0) m_outLabels[s.label] = m_state.current;
    m_state.previous = m_state.current;
    m_state.current = -1;
    m_place = Place::Outside;
}

void SpanTracker::endHead() {
    Segment& s = current();
    if (!m_label.usable()) {
        // Nobody can refer to it; its own reading is not in doubt, so nothing is widened.
        addViolation(m_label.fault(), position(), "the segment cannot be referred to");
    } else if (m_outLabels.contains(m_label.value())) {
        addViolation(ViolationKind::DuplicateLabel, position(), "the newer segment wins");
    }
    s.label = m_label.value();
    m_state.heads.push_back({s.begin, m_nTokens});
}

void SpanTracker::endRef() {
    if (!m_label.usable()) return refFailed(m_label.fault());
    const auto& labels = m_refKind == SegmentKind::In ? m_inLabels : m_outLabels;
    const auto found = labels.find(m_label.value());
    if (found == labels.end()) return refFailed(ViolationKind::UnknownLabel);
    std::vector<SpanRef>& refs = current().refs;
    const auto nValid = std::count_if(refs.begin(), refs.end(), [](const SpanRef& r) { return r.segment >= 0; });
    if (nValid >= m_state.policy.maxRefs) return refFailed(ViolationKind::TooManyRefs);
    const Segment& target = m_state.segments[static_cast<size_t>(found->second)];
    refs.push_back({m_refKind, m_label.value(), found->second, position(), {target.begin, target.end}});
    setVisible(visibleIntervals(m_state));
}

void SpanTracker::beginBody() {
    current().bodyBegin = m_nTokens;
    m_attendDone = true;
    m_place = Place::Body;
}

void SpanTracker::refFailed(ViolationKind kind) {
    addViolation(kind, position(), kFocusWidened);
    m_fallbackFocus = true;
    std::vector<SpanRef>& refs = current().refs;
    if (m_place == Place::InRef && static_cast<int32_t>(refs.size()) < 2 * m_state.policy.maxRefs)
        refs.push_back({m_refKind, m_label.value(), -1, position(), {}});
}

void SpanTracker::wholeSegmentFallback(ViolationKind kind) {
    addViolation(kind, position(), kSegmentWidened);
    m_fallbackNow = true;
    m_next = Phase::Global;
}

void SpanTracker::addViolation(ViolationKind kind, int32_t position, const char* effect) {
    if (!m_state.policy.declares()) return;
    m_violations.push_back({kind, position, m_state.current, effect});
}

void SpanTracker::locate(const ProtocolEvent& event) {
    m_begin = event.nTokens > 0 ? m_nCovered : position();
    m_nCovered += event.nTokens;
}

void SpanTracker::enter(Phase phase) {
    m_state.phase = m_next = phase;
    setVisible(visibleIntervals(m_state));
}

void SpanTracker::setVisible(IntervalList list) {
    if (m_visible && *m_visible == list) return;
    m_visible = std::make_shared<const IntervalList>(std::move(list));
    ++m_maskId;
}

}  // namespace spanscope
