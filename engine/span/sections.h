// What the tracker remembers of the sections of a vocabulary (vocabulary.h): their numbers, which one hides which, and
// what is hidden. Owned by a tracker; a value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "engine/span/vocabulary.h"
#include "engine/types/interval.h"

namespace spanscope {

class Sections {
  public:
    /// Sections hidden at a time: a list of what can be read has an interval for each.
    static constexpr size_t kMostHidden = 4096;

    Sections() = default;
    explicit Sections(std::shared_ptr<const TagVocabulary> vocabulary);

    /// segments: those there are, the prompt's, before the first section.
    void begin(int32_t segments) { m_first = segments; }

    /// segment: the next index. closed: the section that its opening tag has just closed, -1: none. Returns its number.
    int64_t open(int32_t segment, int32_t kind, int32_t closed);
    /// content: without the section's tags; whole: with them. sound: nothing in it was malformed, so that it may hide
    /// and be hidden.
    void close(int32_t segment, Interval content, Interval whole, bool sound);
    /// The last token of a closed section also holds other text, which is not to be hidden with it.
    void sharesLastToken(int32_t segment);

    int32_t kindOf(int32_t segment) const { return m_facts[at(segment)].kind; }
    /// The section that this one hides when it closes, -1: there is none.
    int32_t target(int32_t segment) const { return m_facts[at(segment)].target; }
    /// Of a kind that a summary was written for, by number; -1: there is none.
    int32_t summarised(int32_t kind, int64_t number) const;
    bool isHidden(int32_t segment) const { return m_hidden.contains(segment); }
    int32_t summaryOf(int32_t segment) const { return m_facts[at(segment)].summary; }

    /// by: the section whose end does it, now and first; -1: a tag does. False: too many are hidden already.
    bool hide(int32_t segment, int32_t by);
    void show(int32_t segment);

    const std::set<int32_t>& hidden() const { return m_hidden; }
    /// The tokens of those, normalised.
    IntervalList hiddenTokens() const;

  private:
    struct Facts {
        int32_t kind = -1;
        Interval content, whole;
        int32_t target = -1;   // what it hides
        int32_t summary = -1;  // what has hidden it
    };
    size_t at(int32_t segment) const { return static_cast<size_t>(segment - m_first); }

    std::shared_ptr<const TagVocabulary> m_vocabulary;
    int32_t m_first = 0;                          // segment index of the first section
    std::vector<Facts> m_facts;                   // (sections)
    std::set<int32_t> m_hidden;                   // segments
    std::vector<int64_t> m_nOpened;               // (kinds)
    std::vector<std::vector<int32_t>> m_waiting;  // (kinds) closed, sound, and hidden by none yet
    std::map<std::pair<int32_t, int64_t>, int32_t> m_byNumber;
};

}  // namespace spanscope
