#include "engine/span/sections.h"

#include <algorithm>

#include "engine/types/interval_algebra.h"

namespace spanscope {

Sections::Sections(std::shared_ptr<const TagVocabulary> vocabulary)
    : m_vocabulary(std::move(vocabulary)),
      m_nOpened(m_vocabulary ? m_vocabulary->sections.size() : 0),
      m_waiting(m_nOpened.size()) {}

int64_t Sections::open(int32_t segment, int32_t kind, int32_t closed) {
    const auto k = static_cast<size_t>(kind);
    Facts facts;
    facts.kind = kind;
    if (const int32_t hides = m_vocabulary->hiddenBy(kind); hides >= 0) {
        std::vector<int32_t>& waiting = m_waiting[static_cast<size_t>(hides)];
        const bool between = m_vocabulary->sections[static_cast<size_t>(hides)].between;
        if (!waiting.empty() && (!between || waiting.back() == closed)) {
            facts.target = waiting.back();
            waiting.pop_back();
        }
    }
    m_facts.resize(at(segment));  // all of them are sections
    m_facts.push_back(facts);
    int64_t number = ++m_nOpened[k];
    // Text between the tags goes by the number of what will hide it, whether or not there was any before.
    if (m_vocabulary->sections[k].between)
        for (const TagRule& tag : m_vocabulary->tags)
            if (tag.hides == kind) number = m_nOpened[static_cast<size_t>(tag.section)] + 1;
    m_byNumber[{kind, number}] = segment;
    return number;
}

void Sections::close(int32_t segment, Interval content, Interval whole, bool sound) {
    Facts& facts = m_facts[at(segment)];
    facts.content = {content.begin, std::max(content.begin, content.end)};
    facts.whole = whole;
    if (sound) m_waiting[static_cast<size_t>(facts.kind)].push_back(segment);
    else facts.target = -1;
}

void Sections::sharesLastToken(int32_t segment) {
    Interval& whole = m_facts[at(segment)].whole;
    whole.end = std::max(whole.begin, whole.end - 1);
}

int32_t Sections::summarised(int32_t kind, int64_t number) const {
    const auto found = m_byNumber.find({kind, number});
    return found != m_byNumber.end() && summaryOf(found->second) >= 0 ? found->second : -1;
}

bool Sections::hide(int32_t segment, int32_t by) {
    if (m_hidden.size() >= kMostHidden) return false;
    m_hidden.insert(segment);
    if (by >= 0) m_facts[at(segment)].summary = by;
    return true;
}

void Sections::show(int32_t segment) { m_hidden.erase(segment); }

IntervalList Sections::hiddenTokens() const {
    IntervalList list;
    for (const int32_t segment : m_hidden) {
        const Facts& facts = m_facts[at(segment)];
        list.push_back(m_vocabulary->hidesTags ? facts.whole : facts.content);
    }
    return normalised(std::move(list));
}

}  // namespace spanscope
