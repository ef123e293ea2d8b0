// The tracker's half for tags that are text (vocabulary.h, docs/vocabularies.md). References, labels, their faults and
// the lists are those of the protocol's pieces; what is new is that sections hide others. A tag's own tokens read what
// could be read before it; what it says holds from the next token on.
#include <algorithm>

#include "engine/span/tracker.h"

namespace spanscope {

namespace {
constexpr const char* kWidened = "everything that is not hidden is read until the section ends; it hides nothing";
constexpr const char* kNothing = "nothing changes";
constexpr const char* kShown = "all that was hidden is read again";
}  // namespace

void SpanTracker::onSectionEvent(const ProtocolEvent& event) {
    if (event.rule >= 0) {
        m_rule = event.rule;
        m_markupTokens += event.nTokens;
    }
    switch (event.mark) {
        case Mark::Section: return openingTag(event);
        case Mark::SectionEnd: return closingTag(event);
        case Mark::Change:
            m_inTag = InTag::Changing;
            m_named.clear();
            m_spoiled = false;
            return;
        case Mark::Broken: return brokenTag(event);
        default: return m_inTag == InTag::No ? textInSections(event) : inTag(event);
    }
}

bool SpanTracker::inSection() const {
    return m_state.current >= 0 && m_sections.kindOf(m_state.current) != m_state.policy.vocabulary->between();
}

/// Behind the last token that holds nothing of the tag that ends a section.
int32_t SpanTracker::contentEnd(const ProtocolEvent& event) const { return m_begin - (event.beginsBefore ? 1 : 0); }

void SpanTracker::openingTag(const ProtocolEvent& event) {
    if (inSection()) {
        m_inTag = InTag::PassedOver;
        return widenSection(ViolationKind::NestedTag);
    }
    m_inTag = InTag::Opening;
    const int32_t before = m_state.current;  // text between the tags, which ends here
    if (before >= 0) closeSection(contentEnd(event), m_begin);
    openSection(rule().section, m_begin, before);
    m_place = Place::InAttend;
}

/// A reference of the tag whose event came before, or its end.
void SpanTracker::inTag(const ProtocolEvent& event) {
    switch (event.mark) {
        case Mark::In:
            m_refKind = SegmentKind::In;
            m_label = {};
            m_place = m_inTag == InTag::Opening ? Place::InRef : m_place;
            return;
        case Mark::Digit: return m_label.addDigit(event.digit);
        case Mark::Colon:
            if (m_inTag == InTag::Opening) {
                endRef();
                m_place = Place::InAttend;
            } else if (m_inTag == InTag::Changing) {
                nameSection();
            }
            return;
        case Mark::TagEnd:
            if (m_inTag == InTag::Opening) beginSection();
            else if (m_inTag == InTag::Changing) changeSections();
            m_inTag = InTag::No;
            return;
        default: return m_label.spoil();
    }
}

/// The opening tag is complete: what the section reads from the next token on.
void SpanTracker::beginSection() {
    const SectionReads reads = m_state.policy.vocabulary->sections[static_cast<size_t>(rule().section)].reads;
    beginBody();
    if (m_fallbackNow || m_fallbackFocus || reads == SectionReads::Everything) m_next = Phase::Global;
    else m_next = reads == SectionReads::Named ? Phase::Focus : Phase::Local;
}

void SpanTracker::closingTag(const ProtocolEvent& event) {
    if (!inSection()) return addViolation(ViolationKind::CloseWithout, position(), kNothing);
    const int32_t closed = m_state.current;
    if (m_sections.kindOf(closed) != rule().section) {
        addViolation(ViolationKind::OtherTagCloses, position(), "the section ends; it hides nothing");
        m_fallbackNow = true;
    }
    const bool sameKind = m_sections.kindOf(closed) == rule().section, sound = !m_fallbackNow;
    closeSection(contentEnd(event), m_nTokens);
    m_answered = m_answered || (sameKind && rule().stops);
    if (!sound || rule().hides < 0) return;
    if (const int32_t target = m_sections.target(closed); target >= 0) setHidden(target, true, closed);
    else addViolation(ViolationKind::NothingToHide, position(), kNothing);
}

void SpanTracker::brokenTag(const ProtocolEvent&) {
    const bool restores = rule().act == TagAct::Restore;
    if (inSection()) widenSection(ViolationKind::BrokenTag);
    else addViolation(ViolationKind::BrokenTag, position(), restores ? kShown : "it is taken for text");
    if (restores) showAll();
}

void SpanTracker::textInSections(const ProtocolEvent& event) {
    if (event.mark == Mark::TagEnd) return;
    if (event.nTokens == 0 && m_closedLast >= 0) m_sections.sharesLastToken(m_closedLast);
    if (m_place != Place::Outside) return;
    const int32_t between = m_state.policy.vocabulary->between();
    if (between < 0) return enter(Phase::Free);
    openSection(between, m_begin, -1);
    beginBody();
    current().bodyBegin = m_begin + (event.nTokens == 0 ? 1 : 0);  // the rest of a tag's token is never hidden
    m_next = Phase::Global;
}

void SpanTracker::openSection(int32_t kind, int32_t begin, int32_t closed) {
    Segment s;
    s.kind = SegmentKind::Out;
    s.begin = begin;
    s.name = m_state.policy.vocabulary->sections[static_cast<size_t>(kind)].name;
    m_state.segments.push_back(std::move(s));
    m_state.current = m_segment = static_cast<int32_t>(m_state.segments.size()) - 1;
    current().label = m_sections.open(m_state.current, kind, closed);
    m_place = Place::Body;
    m_fallbackNow = m_fallbackFocus = false;
    enter(Phase::Global);
}

void SpanTracker::closeSection(int32_t contentEnd, int32_t end) {
    const int32_t closed = m_state.current;
    Segment& s = current();
    const int32_t body = s.bodyBegin < 0 ? s.begin : s.bodyBegin;
    s.end = std::max(s.begin, end);
    s.fallback = m_fallbackNow || m_fallbackFocus;
    m_sections.close(closed, {body, contentEnd}, {s.begin, s.end}, !m_fallbackNow);
    m_closedLast = closed;
    m_state.previous = closed;
    m_state.current = -1;
    m_place = Place::Outside;
    m_next = Phase::Free;
}

/// One number of a tag that shows or hides.
void SpanTracker::nameSection() {
    const int32_t found = m_label.usable() ? m_sections.summarised(rule().section, m_label.value()) : -1;
    if (found >= 0) return m_named.push_back(found);
    m_spoiled = true;
    addViolation(m_label.usable() ? ViolationKind::UnknownLabel : m_label.fault(), position(),
                 rule().act == TagAct::Restore ? kShown : kNothing);
}

/// A tag that names anything which is not there hides nothing, and shows everything if it is one that shows.
void SpanTracker::changeSections() {
    const bool restores = rule().act == TagAct::Restore;
    if (m_spoiled) return restores ? showAll() : void();
    for (const int32_t section : m_named) {
        if (m_sections.isHidden(section) != restores) {
            addViolation(ViolationKind::ChangesNothing, position(), kNothing);
            continue;
        }
        setHidden(section, !restores);
        if (m_state.policy.vocabulary->swaps) setHidden(m_sections.summaryOf(section), restores);
    }
}

void SpanTracker::showAll() {
    const std::set<int32_t> hidden = m_sections.hidden();
    for (const int32_t segment : hidden) setHidden(segment, false);
}

void SpanTracker::setHidden(int32_t segment, bool hidden, int32_t by) {
    if (m_sections.isHidden(segment) == hidden) return;
    if (!hidden) m_sections.show(segment);
    else if (!m_sections.hide(segment, by)) return addViolation(ViolationKind::TooManyHidden, position(), kNothing);
    m_changes.push_back({position(), segment, hidden});
    m_hiddenChanged = true;
}

void SpanTracker::widenSection(ViolationKind kind) {
    addViolation(kind, position(), kWidened);
    m_fallbackNow = true;
    m_next = Phase::Global;
}

void SpanTracker::finishSections() {
    for (const ProtocolEvent& event : m_reader.finish()) {
        if (event.mark != Mark::Broken) continue;
        m_rule = event.rule;
        brokenTag(event);
    }
    if (!inSection()) return;
    addViolation(ViolationKind::SegmentNotClosed, position(), "it hides nothing");
    m_fallbackNow = true;
}

}  // namespace spanscope
