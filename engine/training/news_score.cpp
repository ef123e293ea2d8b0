#include "engine/training/news_score.h"

#include <algorithm>
#include <set>

#include "engine/reading/words.h"
#include "engine/tasks/news/news_text.h"
#include "engine/tasks/news/repeats.h"

namespace spanscope {
namespace {

std::string joined(const std::vector<NewsLine>& lines, size_t from) {
    std::string out;
    for (size_t i = from; i < lines.size(); ++i) out += (out.empty() ? "" : " ") + lines[i].body;
    return out;
}

}  // namespace

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
    auto all = parseNewsResponse(response, n);
    const size_t nLines = all.size();
    const auto written = news::withoutRepeats(std::move(all));  // as the answer that people see
    if (expected.empty())
        return Error{ErrorCode::Format, "the reference has no out-segments", "", "response", "", "<out>1<:>..."};

    NewsScores s;
    s.lines = static_cast<int32_t>(nLines - written.size());
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
