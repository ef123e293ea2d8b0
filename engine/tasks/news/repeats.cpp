#include "engine/tasks/news/repeats.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "engine/reading/words.h"
#include "engine/tasks/news/article.h"

namespace spanscope::news {
namespace {

constexpr size_t kLongestPeriod = 16, kFewestWords = 8;
constexpr size_t kLongestWord = 256;  ///< bytes; no text has such a one
constexpr size_t kMostLines = 20;     ///< where the prompt does not say how many it asks for

bool loops(const std::vector<size_t>& words) {
    for (size_t period = 1; period <= kLongestPeriod; ++period) {
        const size_t n = std::max(3 * period, kFewestWords);
        if (words.size() < n) continue;
        const auto from = words.end() - static_cast<std::ptrdiff_t>(n);
        const auto shifted = from + static_cast<std::ptrdiff_t>(period);
        if (std::equal(shifted, words.end(), from)) return true;
    }
    return false;
}

/// "news 12 4": 4.
size_t askedLines(std::string_view prompt) {
    const std::string_view header = prompt.substr(0, prompt.find('\n'));
    const size_t space = header.rfind(' ');
    size_t n = 0;
    if (!header.starts_with("news ") || space == std::string_view::npos) return 0;
    std::from_chars(header.data() + space + 1, header.data() + header.size(), n);
    return std::min<size_t>(n, 999);
}

}  // namespace

std::string foldedPoint(std::string_view body) {
    std::string out;
    for (const char c : lower(body)) {
        if (static_cast<unsigned char>(c) > 0x20) out += c;
        else if (!out.empty() && out.back() != ' ') out += ' ';
    }
    while (!out.empty() && std::string_view(" .,;:!?\"'").find(out.back()) != std::string_view::npos) out.pop_back();
    return out;
}

bool endsInLoop(std::string_view line) {
    RepeatWatch watch("");
    return watch.repeats(line) || watch.repeats(" ");
}

std::vector<NewsLine> withoutRepeats(std::vector<NewsLine> lines) {
    std::vector<NewsLine> kept;
    std::set<std::string> points;
    for (NewsLine& line : lines) {
        if (endsInLoop(line.body)) continue;
        if (!kept.empty() && !line.body.empty() && !points.insert(foldedPoint(line.body)).second) continue;
        kept.push_back(std::move(line));
    }
    return kept;
}

RepeatWatch::RepeatWatch(std::string_view prompt) {
    const size_t asked = askedLines(prompt);
    m_mostLines = asked > 0 ? 2 * asked : kMostLines;
}

bool RepeatWatch::endWord() {
    if (m_word.empty()) return false;
    m_words.push_back(std::hash<std::string>{}(m_word));
    m_word.clear();
    return loops(m_words);
}

bool RepeatWatch::endLine() {
    const bool loop = endWord();
    const auto lines = parseNewsResponse(m_line, static_cast<int64_t>(kMaxSentences));
    m_line.clear();
    m_words.clear();
    if (lines.empty() || lines[0].body.empty()) return loop;
    const bool again = m_lines++ > 0 && !m_points.insert(foldedPoint(lines[0].body)).second;
    return again || m_lines >= m_mostLines || loop;
}

bool RepeatWatch::repeats(std::string_view more) {
    for (const char c : more) {
        if (c == '\n') {
            if (endLine()) return true;
            continue;
        }
        m_line += c;
        if (c == '<' && endWord()) return true;  // references have no spaces between them
        if (static_cast<unsigned char>(c) > 0x20) m_word += c;
        else if (endWord()) return true;
        if ((c == '>' && endWord()) || m_word.size() > kLongestWord) return true;
    }
    return false;
}

}  // namespace spanscope::news
