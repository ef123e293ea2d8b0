#include "engine/tasks/chat/placeholders.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace spanscope {

namespace {

constexpr std::array<std::string_view, 2> kTags{"<think>", "</think>"};

/// A character for private use, U+F0000 + n, in UTF-8: no text has a reason to hold it, which is checked all the same.
std::string privateCharacter(uint32_t n) {
    const uint32_t code = 0xF0000 + n;
    return {static_cast<char>(0xF0 | (code >> 18)), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
            static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
}

Error cannotTell(const char* what) {
    return {ErrorCode::Unsupported,
            std::string("the model's chat template ") + what +
                ", so that its own text cannot be told from what was typed; the chat is refused"};
}

/// `text` cut into words and what stays: {white space, words, white space}, around tags for answers.
std::vector<std::string_view> pieces(std::string_view text, bool hasTags) {
    std::vector<std::string_view> list;
    std::array<size_t, kTags.size()> next{};  // where each tag is from `begin` on
    for (size_t t = 0; t < kTags.size(); ++t) next[t] = hasTags ? text.find(kTags[t]) : std::string_view::npos;
    for (size_t begin = 0; begin < text.size();) {
        const size_t tag = next[1] < next[0] ? 1 : 0, at = std::min(next[tag], text.size());
        const size_t end = std::min(text.size(), at + kTags[tag].size());
        const std::string_view part = text.substr(begin, at - begin);
        const size_t nStart = part.size() - stripStart(part).size();
        const std::string_view words = strip(part);
        list.push_back(part.substr(0, nStart));
        list.push_back(words);
        list.push_back(
            text.substr(begin + nStart + words.size(), end - begin - nStart - words.size()));  // with the tag
        begin = end;
        if (at < text.size()) next[tag] = text.find(kTags[tag], begin);
    }
    return list;
}

}  // namespace

Placeholders::Placeholders(std::span<const ChatMessage> messages, std::string_view templateText)
    : m_messages(messages.begin(), messages.end()) {
    const auto occurs = [&](const std::string& character) {
        return templateText.find(character) != std::string_view::npos ||
               std::any_of(messages.begin(), messages.end(),
                           [&](const ChatMessage& m) { return m.text.find(character) != std::string::npos; });
    };
    uint32_t next = 0;
    const auto unused = [&] {
        std::string character = privateCharacter(next++);
        while (occurs(character)) character = privateCharacter(next++);
        return character;
    };
    m_before = unused();
    m_after = unused();
    for (size_t i = 0; i < m_messages.size(); ++i) m_marked.push_back({m_messages[i].role, skeleton(i), {}});
}

std::string Placeholders::skeleton(size_t message) {
    std::string text;
    const bool hasTags = m_messages[message].role == ChatRole::Assistant;
    const std::vector<std::string_view> list = pieces(m_messages[message].text, hasTags);
    for (size_t i = 0; i < list.size(); ++i) {
        if (i % 3 != 1 || list[i].empty()) {
            text += list[i];
            continue;
        }
        m_marks.push_back(
            {m_before + std::to_string(m_marks.size()) + m_after, std::string(list[i]), message, text.size()});
        text += m_marks.back().name;
    }
    return text;
}

Result<RenderedChat> Placeholders::cut(std::string_view rendered, std::string_view withMarks) const {
    RenderedChat parts;
    std::vector<bool> seen(m_marks.size(), false);
    size_t at = 0;
    std::pair<size_t, size_t> other{std::string_view::npos, 0};  // a message, and a place where it does not stand
    for (size_t begin = withMarks.find(m_before); begin != std::string_view::npos;
         begin = withMarks.find(m_before, at)) {
        size_t number = 0;
        const std::string_view rest = withMarks.substr(begin + m_before.size());
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (error != std::errc() || number >= m_marks.size() ||
            !rest.substr(static_cast<size_t>(end - rest.data())).starts_with(m_after))
            return cannotTell("cuts into the messages");
        const Mark& mark = m_marks[number];
        const std::string& whole = m_marked[mark.message].text;
        const std::pair place{mark.message, begin - mark.offset};
        const bool stands =
            begin >= at + mark.offset && place != other && withMarks.substr(place.second).starts_with(whole);
        if (!stands) other = place;
        if (stands) {
            addPart(parts, withMarks.substr(at, begin - mark.offset - at), true);
            addPart(parts, m_messages[mark.message].text, false, static_cast<int32_t>(mark.message));
            at = begin - mark.offset + whole.size();
            for (size_t i = number; i < m_marks.size() && m_marks[i].message == mark.message; ++i) seen[i] = true;
        } else {
            addPart(parts, withMarks.substr(at, begin - at), true);
            addPart(parts, mark.words, false);
            at = begin + mark.name.size();
            seen[number] = true;
        }
    }
    addPart(parts, withMarks.substr(at), true);
    if (joined(parts) != rendered) return cannotTell("looks into the messages");
    for (size_t i = 0; i < m_marks.size(); ++i) {
        const ChatRole role = m_messages[m_marks[i].message].role;
        if (seen[i] || role == ChatRole::Assistant) continue;
        return invalidArgument(role == ChatRole::System ? "this model's chat template has no place for a system text"
                                                        : "this model's chat template leaves a question out");
    }
    return parts;
}

}  // namespace spanscope
