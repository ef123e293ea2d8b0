// Statistics of a news dataset as a table for people and as JSON for scripts.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/training/news_dataset.h"

namespace spanscope {
namespace {

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

std::string row(const char* name, const char* format, double value) {
    char number[64], line[160];
    std::snprintf(number, sizeof number, format, value);
    std::snprintf(line, sizeof line, "  %-44s %s\n", name, number);
    return line;
}

struct Derived {
    double perArticle, wordsPerArticle, pointsPerArticle, spansPerPoint, kept, shortened, supported, oneSource,
        headlineSpans;
};
Derived derive(const NewsStats& s) {
    const auto examples = static_cast<double>(s.examples), points = static_cast<double>(s.points);
    return {ratio(static_cast<double>(s.sentences), examples),
            ratio(static_cast<double>(s.articleWords), examples),
            ratio(points, examples),
            ratio(static_cast<double>(s.pointSources), points),
            ratio(s.keptSum, points),
            ratio(static_cast<double>(s.pointWords), static_cast<double>(s.sourceWords)),
            ratio(static_cast<double>(s.itemsSupported), static_cast<double>(s.items)),
            ratio(static_cast<double>(s.pointsOneSource), points),
            ratio(static_cast<double>(s.headlineSources), examples)};
}

}  // namespace

std::string NewsStats::toText() const {
    const Derived d = derive(*this);
    std::string t = "articles\n";
    t += row("read", "%.0f", static_cast<double>(articlesRead)) + row("written", "%.0f", static_cast<double>(examples));
    const struct {
        const char* name;
        int64_t n;
    } reasons[] = {{"left out: malformed line", badLines},
                   {"left out: no title or text", noText},
                   {"left out: seen before", duplicates},
                   {"left out: half of its 8-grams in the other file", overlapping},
                   {"left out: too few sentences", tooShort},
                   {"left out: too long", tooLong},
                   {"left out: tables, not sentences", tabular},
                   {"left out: title is no headline", noHeadline},
                   {"left out: headline not in the text", headlineUngrounded},
                   {"left out: nothing to shorten", noPoints},
                   {"left out: spells a special piece", namesSpecialPiece}};
    for (const auto& r : reasons)
        if (r.n > 0) t += row(r.name, "%.0f", static_cast<double>(r.n));
    t += "text\n";
    t += row("sentences per article", "%.2f", d.perArticle) + row("words per article", "%.1f", d.wordsPerArticle);
    if (promptTokens > 0)
        t += row("prompt tokens", "%.0f", static_cast<double>(promptTokens)) +
             row("response tokens", "%.0f", static_cast<double>(responseTokens)) +
             row("prompt tokens per article", "%.1f",
                 ratio(static_cast<double>(promptTokens), static_cast<double>(examples))) +
             row("response tokens per article", "%.1f",
                 ratio(static_cast<double>(responseTokens), static_cast<double>(examples)));
    t += "targets\n";
    t += row("key points per article", "%.2f", d.pointsPerArticle) +
         row("spans per key point", "%.3f", d.spansPerPoint) +
         row("key points from one sentence", "%.3f", d.oneSource) + row("spans per headline", "%.3f", d.headlineSpans) +
         row("kept fraction (declared words / article words)", "%.3f", d.kept) +
         row("length of a point / length of its sources", "%.3f", d.shortened) +
         row("numbers and names found in declared sentences", "%.4f", d.supported);
    return t;
}

std::string NewsStats::toJson() const {
    const Derived d = derive(*this);
    const nlohmann::json j = {{"articles_read", articlesRead},
                              {"examples", examples},
                              {"bad_lines", badLines},
                              {"no_text", noText},
                              {"duplicates", duplicates},
                              {"overlapping", overlapping},
                              {"too_short", tooShort},
                              {"too_long", tooLong},
                              {"tabular", tabular},
                              {"no_headline", noHeadline},
                              {"headline_ungrounded", headlineUngrounded},
                              {"no_points", noPoints},
                              {"names_special_piece", namesSpecialPiece},
                              {"sentences_per_article", d.perArticle},
                              {"words_per_article", d.wordsPerArticle},
                              {"prompt_tokens", promptTokens},
                              {"response_tokens", responseTokens},
                              {"points_per_article", d.pointsPerArticle},
                              {"spans_per_point", d.spansPerPoint},
                              {"points_from_one_sentence", d.oneSource},
                              {"spans_per_headline", d.headlineSpans},
                              {"kept_fraction", d.kept},
                              {"point_to_source_length", d.shortened},
                              {"supported_items", d.supported},
                              {"sentence_histogram", sentenceHistogram}};
    return j.dump();
}

}  // namespace spanscope
