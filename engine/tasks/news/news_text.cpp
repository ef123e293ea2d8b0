#include "engine/tasks/news/news_text.h"

#include <algorithm>
#include <set>

#include "engine/tasks/news/article.h"

namespace spanscope {
namespace {

bool take(std::string_view& s, std::string_view prefix) {
    if (!s.starts_with(prefix)) return false;
    s.remove_prefix(prefix.size());
    return true;
}

/// 1 to 9 digits; -1 and nothing taken otherwise.
int64_t takeLabel(std::string_view& s) {
    size_t n = 0;
    int64_t value = 0;
    while (n < s.size() && s[n] >= '0' && s[n] <= '9' && n < 10) value = value * 10 + (s[n++] - '0');
    if (n == 0 || n > 9) return -1;
    s.remove_prefix(n);
    return value;
}

NewsLine parseLine(std::string_view text, int64_t nSentences, const std::set<int64_t>& earlier) {
    NewsLine line;
    bool ok = take(text, "<out>");
    line.label = takeLabel(text);
    ok = ok && line.label >= 0 && take(text, "<:>");
    take(text, "<global>");
    const size_t attend = text.find("<attend>");
    const size_t close = text.find("</attend>");
    if (attend == std::string_view::npos || close == std::string_view::npos || close < attend) {
        line.body = std::string(text);
        return line;
    }
    std::string_view refs = text.substr(attend + 8, close - attend - 8);
    line.body = std::string(text.substr(close + 9));
    while (!refs.empty()) {
        NewsRef ref;
        if (take(refs, "<in>")) ref.in = true;
        else if (take(refs, "<out>")) ref.in = false;
        else {
            ok = false;
            break;
        }
        ref.label = takeLabel(refs);
        if (ref.label < 0 || !take(refs, "<:>")) {
            ok = false;
            break;
        }
        if (ref.in ? ref.label < 1 || ref.label > nSentences : !earlier.contains(ref.label)) ok = false;
        line.refs.push_back(ref);
    }
    line.valid = ok && !line.body.empty() && !news::namesSpecialPiece(line.body);
    return line;
}

}  // namespace

std::string news::promptHeader(size_t nSentences, size_t nLines) {
    return "news " + std::to_string(nSentences) + ' ' + std::to_string(nLines) + '\n';
}

Result<std::vector<std::string>> newsSentences(std::string_view promptText) {
    std::vector<std::string> sentences;
    for (size_t i = 0; i < promptText.size();) {
        const size_t end = std::min(promptText.find('\n', i), promptText.size());
        std::string_view line = promptText.substr(i, end - i);
        i = end + 1;
        if (!take(line, "<in>")) continue;
        const int64_t label = takeLabel(line);
        if (label != static_cast<int64_t>(sentences.size()) + 1 || !take(line, "<:>"))
            return Error{ErrorCode::Format,
                         "the prompt's sentences are not numbered upwards from 1",
                         "",
                         "<in>",
                         std::to_string(label),
                         std::to_string(sentences.size() + 1)};
        sentences.emplace_back(line);
    }
    if (sentences.empty())
        return Error{ErrorCode::Format, "the prompt has no <in> segments; it is no news prompt", "", "prompt"};
    return sentences;
}

std::vector<NewsLine> parseNewsResponse(std::string_view responseText, int64_t nSentences) {
    std::vector<NewsLine> lines;
    std::set<int64_t> labels;
    for (size_t i = 0; i < responseText.size();) {
        const size_t end = std::min(responseText.find('\n', i), responseText.size());
        const std::string_view text = responseText.substr(i, end - i);
        i = end + 1;
        if (text.empty()) continue;
        lines.push_back(parseLine(text, nSentences, labels));
        if (lines.back().label >= 0) labels.insert(lines.back().label);
    }
    return lines;
}

}  // namespace spanscope
