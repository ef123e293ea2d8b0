// A reader for tags that are text: every token is one character, so that <attend> takes eight of them. The vocabulary
// is a table of spellings; another one is another table.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "engine/span/event_reader.h"

namespace spanscope::test {

struct TagSpelling {
    std::string_view text;
    Mark mark;
};

/// What the protocol's own pieces look like.
inline constexpr TagSpelling kPlainTags[] = {
    {"<in>", Mark::In},         {"<out>", Mark::Out},           {"<:>", Mark::Colon},
    {"<attend>", Mark::Attend}, {"</attend>", Mark::AttendEnd}, {"<local>", Mark::Local},
    {"<global>", Mark::Global}};
/// Another vocabulary.
inline constexpr TagSpelling kBraceTags[] = {
    {"{line}", Mark::In},        {"{step}", Mark::Out},   {"|", Mark::Colon},     {"{uses}", Mark::Attend},
    {"{done}", Mark::AttendEnd}, {"{self}", Mark::Local}, {"{all}", Mark::Global}};

class TextTagReader : public EventReader {
  public:
    TextTagReader(std::span<const TagSpelling> tags, int32_t endOfText) : m_tags(tags), m_endOfText(endOfText) {}

    std::span<const ProtocolEvent> read(int32_t token) override {
        m_events.clear();
        if (token == m_endOfText) {
            giveUp();
            add(Mark::EndOfText, 1);
            return m_events;
        }
        m_held += static_cast<char>(token);
        ++m_nHeld;
        settle();
        return m_events;
    }
    std::unique_ptr<EventReader> clone() const override { return std::make_unique<TextTagReader>(*this); }

  private:
    void add(Mark mark, int32_t nTokens, int32_t digit = 0) { m_events.push_back({mark, digit, nTokens}); }

    /// What is held back becomes a mark, stays held, or turns out to be text up to where another mark may begin.
    void settle() {
        for (const TagSpelling& tag : m_tags) {
            if (tag.text == m_held) {
                add(tag.mark, m_nHeld);
                return forget();
            }
        }
        for (const TagSpelling& tag : m_tags)
            if (tag.text.starts_with(m_held)) return;
        const char last = m_held.back();
        const bool mayBegin = std::any_of(m_tags.begin(), m_tags.end(), [&](auto& t) { return t.text[0] == last; });
        if (m_nHeld > 1) {  // the token just read stands for itself
            add(Mark::Text, m_nHeld - 1);
            m_held = last;
            m_nHeld = 1;
            if (mayBegin) return settle();
        }
        if (last == '\n') add(Mark::Newline, m_nHeld);
        else if (last >= '0' && last <= '9') add(Mark::Digit, m_nHeld, last - '0');
        else add(Mark::Text, m_nHeld);
        forget();
    }
    void giveUp() {
        if (m_nHeld > 0) add(Mark::Text, m_nHeld);
        forget();
    }
    void forget() {
        m_held.clear();
        m_nHeld = 0;
    }

    std::span<const TagSpelling> m_tags;
    int32_t m_endOfText;
    std::string m_held;  // the beginning of a mark, not reported yet
    int32_t m_nHeld = 0;
    std::vector<ProtocolEvent> m_events;
};

}  // namespace spanscope::test
