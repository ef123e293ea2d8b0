#include "engine/model/tokenizer/token_marks.h"

#include <algorithm>
#include <utility>

namespace spanscope {

namespace {

/// Unicode's white space (property White_Space), all of it one to three bytes.
constexpr std::array<std::string_view, 25> kSpaces{
    "\t",           "\n",           "\v",           "\f",           "\r",           " ",
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
    "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88",
    "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F",
    "\xE3\x80\x80"};

/// Bytes of the white space that `text` begins (or, `atEnd`, ends) with.
size_t spaceBytes(std::string_view text, bool atEnd) {
    const size_t whole = text.size();
    for (bool found = true; found;) {
        found = false;
        for (const std::string_view space : kSpaces) {
            if (atEnd ? !text.ends_with(space) : !text.starts_with(space)) continue;
            text = atEnd ? text.substr(0, text.size() - space.size()) : text.substr(space.size());
            found = true;
        }
    }
    return whole - text.size();
}

}  // namespace

TokenMarks::TokenMarks(std::vector<AddedToken> tokens) : m_tokens(std::move(tokens)) {
    std::erase_if(m_tokens, [](const AddedToken& token) { return token.content.empty(); });
    const auto byName = [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; };
    std::stable_sort(m_tokens.begin(), m_tokens.end(), byName);
    size_t n = 0;
    for (size_t i = 0; i < m_tokens.size(); ++i)  // the last of each name stays
        if (i + 1 == m_tokens.size() || m_tokens[i].content != m_tokens[i + 1].content) {
            if (n != i) m_tokens[n] = std::move(m_tokens[i]);
            ++n;
        }
    m_tokens.resize(n);
    for (const AddedToken& token : m_tokens) ++m_starts[size_t{static_cast<uint8_t>(token.content[0])} + 1];
    for (size_t i = 1; i < m_starts.size(); ++i) m_starts[i] += m_starts[i - 1];
}

/// Narrows the range of names that agree with the text so far, byte by byte.
const AddedToken* TokenMarks::at(std::string_view rest) const {
    const size_t first = static_cast<uint8_t>(rest[0]);
    auto begin = m_tokens.begin() + m_starts[first], end = m_tokens.begin() + m_starts[first + 1];
    const AddedToken* longest = nullptr;
    for (size_t n = 1; begin != end; ++n) {
        if (begin->content.size() == n) longest = &*begin++;  // a name stands before those that it begins
        if (n >= rest.size()) break;
        const auto byteAt = [n](const AddedToken& token) { return static_cast<uint8_t>(token.content[n]); };
        const auto wanted = static_cast<uint8_t>(rest[n]);
        begin = std::partition_point(begin, end, [&](const AddedToken& t) { return byteAt(t) < wanted; });
        end = std::partition_point(begin, end, [&](const AddedToken& t) { return byteAt(t) == wanted; });
    }
    return longest;
}

std::optional<TokenMarks::Match> TokenMarks::next(std::string_view text, size_t from) const {
    if (m_tokens.empty()) return {};
    for (size_t begin = from; begin < text.size(); ++begin) {
        const AddedToken* token = at(text.substr(begin));
        if (token == nullptr) continue;
        Match match{begin, begin + token->content.size(), token->id};
        if (token->stripLeft) match.begin -= spaceBytes(text.substr(from, begin - from), true);
        if (token->stripRight) match.end += spaceBytes(text.substr(match.end), false);
        return match;
    }
    return {};
}

}  // namespace spanscope
