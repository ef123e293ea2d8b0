#include "engine/training/news_score.h"

#include <algorithm>
#include <set>

#include "engine/span/pieces.h"
#include "engine/tasks/news/article.h"
#include "engine/tasks/news/tables.h"
#include "engine/tasks/news/words.h"

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

std::string joined(const std::vector<NewsLine>& lines, size_t from) {
    std::string out;
    for (size_t i = from; i < lines.size(); ++i) out += (out.empty() ? "" : " ") + lines[i].body;
    return out;
}

/// The parts of a word that may be found apart: "U.S.-Japan" is there if "U.S." and "Japan" are.
std::vector<std::string> parts(std::string_view word) {
    std::vector<std::string> out;
    for (size_t i = 0; i < word.size();) {
        const size_t end = std::min(word.find_first_of("-/", i), word.size());
        if (end > i) out.push_back(news::lower(news::withoutPossessive(word.substr(i, end - i))));
        i = end + 1;
    }
    return out;
}

std::string bare(std::string_view word) {
    std::string s = news::lower(news::withoutPossessive(word));
    while (!s.empty() && s.back() == '.') s.pop_back();
    return s;
}

}  // namespace

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

Faithfulness faithfulness(std::string_view text, const std::vector<std::string>& sources) {
    std::set<std::string> words, lowerForms;
    for (const std::string& source : sources)
        for (const news::Token& t : news::tokenize(source)) {
            words.insert(bare(t.core));
            for (const std::string& p : parts(t.core)) words.insert(bare(p));
            if (!news::hasUpper(t.core)) lowerForms.insert(bare(t.core));
        }
    Faithfulness f;
    bool first = true;
    for (const news::Token& t : news::tokenize(text)) {
        if (t.core.empty()) continue;
        const bool opening = first;
        first = false;
        const bool number = news::hasDigit(t.core), name = news::hasUpper(t.core);
        if (!number && !name) continue;
        if (!number && opening && (lowerForms.contains(bare(t.core)) || news::isFunctionWord(bare(t.core)))) continue;
        ++f.items;
        const auto split = parts(t.core);
        const bool found = words.contains(bare(t.core)) ||
                           (split.size() > 1 && std::all_of(split.begin(), split.end(), [&](const std::string& p) {
                                return words.contains(bare(p));
                            }));
        if (found) ++f.supported;
        else f.missing.push_back(t.core);
    }
    return f;
}

std::string leadBaseline(const std::vector<std::string>& sentences, int64_t nWords) {
    std::vector<news::Token> tokens;
    int64_t n = 0;
    for (size_t i = 0; i < std::min<size_t>(3, sentences.size()); ++i)
        for (news::Token& t : news::tokenize(sentences[i])) {
            if (n >= nWords) return news::join(tokens);
            if (!t.core.empty()) ++n;
            tokens.push_back(std::move(t));
        }
    return news::join(tokens);
}

Result<NewsScores> scoreNews(const TaskExample& reference, std::string_view response) {
    const auto found = newsSentences(reference.prompt);
    if (!found) return found.error();
    const std::vector<std::string>& sentences = *found;
    const auto n = static_cast<int64_t>(sentences.size());
    const auto expected = parseNewsResponse(reference.response, n);
    const auto written = parseNewsResponse(response, n);
    if (expected.empty())
        return Error{ErrorCode::Format, "the reference has no out-segments", "", "response", "", "<out>1<:>..."};

    NewsScores s;
    s.sameAsReference = response == reference.response;
    s.headline = rouge(expected[0].body, written.empty() ? "" : written[0].body);
    const std::string points = joined(written, 1), wanted = joined(expected, 1);
    s.points = rouge(wanted, points);
    s.lead = rouge(wanted, leadBaseline(sentences, static_cast<int64_t>(news::countWords(points))));

    double articleWords = 0;
    for (const std::string& x : sentences) articleWords += static_cast<double>(news::countWords(x));
    std::set<int64_t> declaredSet, expectedSet;
    for (const NewsLine& line : written) {
        ++s.lines;
        s.validLines += line.valid ? 1 : 0;
        NewsPointScore p;
        p.label = line.label;
        p.body = line.body;
        p.valid = line.valid;
        std::vector<std::string> sources;
        double kept = 0;
        for (const NewsRef& ref : line.refs) {
            if (!ref.in || ref.label < 1 || ref.label > n) continue;
            if (std::find(p.declared.begin(), p.declared.end(), ref.label) != p.declared.end()) continue;
            p.declared.push_back(ref.label);
            sources.push_back(sentences[static_cast<size_t>(ref.label - 1)]);
            kept += static_cast<double>(news::countWords(sources.back()));
        }
        p.keptShare = articleWords > 0 ? kept / articleWords : 0;
        p.faith = faithfulness(line.body, sources);
        const bool isHeadline = s.perPoint.empty();
        (isHeadline ? s.headlineItems : s.items) += p.faith.items;
        (isHeadline ? s.headlineItemsSupported : s.itemsSupported) += p.faith.supported;
        if (!isHeadline) {
            s.keptSum += p.keptShare;
            ++s.nPoints;
        }
        // Against the reference's line of the same label.
        std::set<int64_t> mine(p.declared.begin(), p.declared.end()), theirs;
        for (const NewsLine& e : expected)
            if (e.label == line.label)
                for (const NewsRef& ref : e.refs) theirs.insert(ref.label);
        s.spansDeclared += static_cast<int32_t>(line.refs.size());
        for (const int64_t label : mine) s.spansRight += theirs.contains(label) ? 1 : 0;
        declaredSet.insert(mine.begin(), mine.end());
        s.perPoint.push_back(std::move(p));
    }
    for (const NewsLine& e : expected)
        for (const NewsRef& ref : e.refs) {
            ++s.spansExpected;
            expectedSet.insert(ref.label);
        }
    s.sourcesDeclared = static_cast<int32_t>(declaredSet.size());
    s.sourcesExpected = static_cast<int32_t>(expectedSet.size());
    for (const int64_t label : declaredSet) s.sourcesRight += expectedSet.contains(label) ? 1 : 0;
    return s;
}

}  // namespace spanscope
