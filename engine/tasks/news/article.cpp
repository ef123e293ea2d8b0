#include "engine/tasks/news/article.h"

#include <algorithm>

#include "engine/reading/words.h"
#include "engine/span/pieces.h"
#include "engine/tasks/news/sentences.h"

namespace spanscope::news {
namespace {

std::string_view firstLine(std::string_view text) { return text.substr(0, text.find('\n')); }

/// A short first line without a full stop, then an empty line, then text.
bool isTitleLine(std::string_view text) {
    const std::string_view line = firstLine(text);
    const std::string_view title = trimmed(line);
    if (title.empty() || line.size() >= text.size() || title.size() > 160 || countWords(title) > 18) return false;
    if (std::string_view(".!?:;,\"-").find(title.back()) != std::string_view::npos) return false;
    const std::string_view rest = text.substr(line.size() + 1);
    return trimmed(firstLine(rest)).empty() && !trimmed(rest).empty();
}

}  // namespace

int pointCount(int nSentences, int maxPoints) {
    return std::clamp(1 + nSentences / 4, std::min(2, maxPoints), maxPoints);
}

int TypedArticle::nPoints() const {
    return points > 0 ? points : pointCount(static_cast<int>(sentences.size()), kDefaultMaxPoints);
}

Result<TypedArticle> readTyped(std::string_view typed) {
    TypedArticle article;
    if (const size_t bad = invalidUtf8(typed); bad != std::string_view::npos)
        return Error{
            ErrorCode::Format, "the article is not UTF-8 text", "", "byte " + std::to_string(bad), "", "UTF-8"};
    std::string_view text = typed;
    size_t line = 1;
    while (!text.empty() && trimmed(firstLine(text)).empty()) {  // empty lines in front
        const size_t n = firstLine(text).size();
        text.remove_prefix(std::min(n + 1, text.size()));
        ++line;
    }
    const std::string head = lower(trimmed(firstLine(text)));
    if (head.starts_with("points:")) {
        const std::string_view value = trimmed(std::string_view(head).substr(7));
        if (value.size() != 1 || value[0] < '1' || value[0] > '9')
            return wrongText(static_cast<int32_t>(line), 8, "\"points:\" asks for a number from 1 to 9");
        article.points = value[0] - '0';
        text.remove_prefix(std::min(firstLine(text).size() + 1, text.size()));
        ++line;
    }
    if (isTitleLine(text)) {
        article.title = oneLine(firstLine(text));
        text.remove_prefix(firstLine(text).size() + 1);
    }
    const auto spans = splitSentences(text);
    if (!spans) return spans.error();
    for (const TextSpan& s : *spans) {
        std::string sentence = oneLine(text.substr(s.begin, s.end - s.begin));
        if (!sentence.empty()) article.sentences.push_back(std::move(sentence));
    }
    if (article.sentences.empty())
        return wrongText(static_cast<int32_t>(line), 1, "the article is empty; paste the text of a report");
    if (article.sentences.size() > kMaxSentences)
        return wrongText(static_cast<int32_t>(line), 1,
                         "the article has " + std::to_string(article.sentences.size()) + " sentences; at most " +
                             std::to_string(kMaxSentences) + " can be numbered");
    return article;
}

bool namesSpecialPiece(std::string_view text) {
    return std::any_of(kSpecialPieces.begin(), kSpecialPieces.end(),
                       [&](std::string_view piece) { return text.find(piece) != std::string_view::npos; });
}

}  // namespace spanscope::news
