#include "engine/span/tag_reader.h"

#include <algorithm>

namespace spanscope {

namespace {

constexpr size_t kMostDigits = 12;  // of a number handed on: enough to see that it is too long

bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool isNameByte(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-'; }

std::string_view withoutSpace(std::string_view text) {
    while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
    while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
    return text;
}

/// One `name="value"`, `name='value'` or `name=value` from the front of `text`; false where there is none.
bool takeArgument(std::string_view& text, std::string_view& name, std::string_view& value) {
    size_t n = 0;
    while (n < text.size() && isNameByte(text[n])) ++n;
    name = text.substr(0, n);
    text = withoutSpace(text.substr(n));
    if (name.empty() || !text.starts_with('=')) return false;
    text = withoutSpace(text.substr(1));
    if (text.empty()) return false;
    const bool quoted = text[0] == '"' || text[0] == '\'';
    const size_t end = quoted ? text.find(text[0], 1) : std::min(text.size(), text.find_first_of(" \t\r"));
    if (end == std::string_view::npos) return false;
    value = text.substr(quoted ? 1 : 0, end - (quoted ? 1 : 0));
    text = withoutSpace(text.substr(quoted ? end + 1 : end));
    return true;
}

}  // namespace

TagReader::TagReader(std::shared_ptr<const TagVocabulary> vocabulary, TokenBytes bytes)
    : m_vocabulary(std::move(vocabulary)), m_bytes(std::move(bytes)) {}

std::span<const ProtocolEvent> TagReader::read(int32_t token) {
    m_events.clear();
    ++m_nRead;
    for (const char c : m_bytes(token)) {
        m_held += c;
        m_tokenOf.push_back(m_nRead - 1);
        settle();
    }
    return m_events;  // a token without bytes goes with what comes next
}

std::span<const ProtocolEvent> TagReader::finish() {
    m_events.clear();
    if (m_open >= 0) tag(Mark::Broken, m_open, m_held.size());
    else if (!m_held.empty()) text(m_tokenOf.back());
    m_open = -1;
    drop(m_held.size());
    return m_events;
}

/// What is held becomes a tag, stays held, or turns out to be text up to where a tag may begin.
void TagReader::settle() {
    const std::vector<TagRule>& tags = m_vocabulary->tags;
    while (!m_held.empty()) {
        if (m_open >= 0) {
            if (inArguments()) return;
            continue;
        }
        bool mayGrow = false;
        int32_t complete = -1;
        for (size_t i = 0; i < tags.size(); ++i) {
            const TagRule& rule = tags[i];
            if (rule.end.empty() ? m_held == rule.text
                                 : m_held.size() == rule.text.size() + 1 && m_held.starts_with(rule.text) &&
                                       !isNameByte(m_held.back()))
                complete = static_cast<int32_t>(i);
            mayGrow = mayGrow || rule.text.starts_with(m_held);
        }
        if (complete >= 0 && !tags[static_cast<size_t>(complete)].end.empty()) {
            m_open = complete;
            continue;
        }
        if (complete >= 0) {
            tag(tags[static_cast<size_t>(complete)].act == TagAct::Open ? Mark::Section : Mark::SectionEnd, complete,
                m_held.size());
            if (m_events.back().mark == Mark::Section) detail(Mark::TagEnd);
            return drop(m_held.size());
        }
        if (mayGrow) return;
        letGo();
    }
}

/// The newest byte is one of an opened tag's arguments. True: nothing more to do with what is held.
bool TagReader::inArguments() {
    const TagRule& rule = m_vocabulary->tags[static_cast<size_t>(m_open)];
    const std::string_view arguments = std::string_view(m_held).substr(rule.text.size());
    if (arguments.ends_with(rule.end)) {
        tag(rule.act == TagAct::Open ? Mark::Section : Mark::Change, m_open, m_held.size());
        numbers(rule, arguments.substr(0, arguments.size() - rule.end.size()));
        detail(Mark::TagEnd);
        m_open = -1;
        drop(m_held.size());
        return true;
    }
    const bool breaks = arguments.back() == '<' || arguments.back() == '\n';
    if (!breaks && arguments.size() <= size_t{TagVocabulary::kMostArgumentBytes}) return true;
    const size_t nBytes = m_held.size() - (breaks ? 1 : 0);  // the byte that breaks it may begin another tag
    tag(Mark::Broken, m_open, nBytes);
    m_open = -1;
    drop(nBytes);
    return false;
}

void TagReader::letGo() {
    text(m_tokenOf.front());
    drop(1);
}

void TagReader::text(int32_t lastToken) {
    const int32_t n = std::max(0, lastToken + 1 - m_nCovered);
    m_nCovered += n;
    if (n == 0 && !m_events.empty() && m_events.back().mark == Mark::Text) return;
    if (n > 0 && !m_events.empty() && m_events.back().mark == Mark::Text) m_events.back().nTokens += n;
    else m_events.push_back({Mark::Text, 0, n});
}

/// The first nBytes held are a tag, or what was to be one.
void TagReader::tag(Mark mark, int32_t rule, size_t nBytes) {
    const int32_t n = std::max(0, m_tokenOf[nBytes - 1] + 1 - m_nCovered);
    const bool beginsBefore = n > 0 && m_tokenOf.front() < m_nCovered;
    m_nCovered += n;
    m_events.push_back({mark, 0, n, rule, beginsBefore});
}

void TagReader::detail(Mark mark, int32_t digit) { m_events.push_back({mark, digit, 0}); }

/// Every number as a reference; whatever is no number as one that cannot be read.
void TagReader::numbers(const TagRule& rule, std::string_view arguments) {
    std::string_view rest = withoutSpace(arguments), name, value;
    if (rest.ends_with('/') && rule.act != TagAct::Open) rest = withoutSpace(rest.substr(0, rest.size() - 1));
    if (rest.empty()) return number({});
    while (!rest.empty()) {
        if (!takeArgument(rest, name, value)) return number("?");
        if (std::find(rule.arguments.begin(), rule.arguments.end(), name) == rule.arguments.end()) {
            number("?");
            continue;
        }
        for (size_t begin = 0; begin <= value.size();) {
            const size_t end = std::min(value.size(), value.find(',', begin));
            number(withoutSpace(value.substr(begin, end - begin)));
            begin = end + 1;
        }
    }
}

void TagReader::number(std::string_view item) {
    detail(Mark::In);
    for (const char c : item.substr(0, kMostDigits)) {
        if (c >= '0' && c <= '9') detail(Mark::Digit, c - '0');
        else detail(Mark::Text);
    }
    detail(Mark::Colon);
}

void TagReader::drop(size_t nBytes) {
    m_held.erase(0, nBytes);
    m_tokenOf.erase(m_tokenOf.begin(), m_tokenOf.begin() + static_cast<std::ptrdiff_t>(nBytes));
}

}  // namespace spanscope
