// How good a `news` response is: quality (ROUGE), faithfulness to its own declarations, and the declarations.
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/reading/faithfulness.h"
#include "engine/training/example.h"
#include "engine/training/rouge.h"

namespace spanscope {

struct NewsPointScore {
    int64_t label = -1;
    std::string body;
    std::vector<int64_t> declared;  ///< sentences
    bool valid = false;
    Faithfulness faith;
    double keptShare = 0;  ///< words of the declared sentences / words of the article
};
struct NewsScores {
    RougeScores headline;                   ///< against the headline a person wrote
    RougeScores points;                     ///< all key points, joined, against the reference's
    RougeScores lead;                       ///< lead sentences cut to the length of the key points, against the same
    int32_t items = 0, itemsSupported = 0;  ///< key points only
    int32_t headlineItems = 0, headlineItemsSupported = 0;
    int32_t lines = 0, validLines = 0;
    int32_t spansDeclared = 0, spansExpected = 0, spansRight = 0;        ///< matched line by line, by label
    int32_t sourcesDeclared = 0, sourcesExpected = 0, sourcesRight = 0;  ///< as sets over the whole response
    double keptSum = 0;                                                  ///< over key points
    int32_t nPoints = 0;
    bool sameAsReference = false;
    std::vector<NewsPointScore> perPoint;  ///< headline first

    double spanPrecision() const { return spansDeclared ? double(spansRight) / spansDeclared : 0; }
    double spanRecall() const { return spansExpected ? double(spansRight) / spansExpected : 0; }
    double faithful() const { return items ? double(itemsSupported) / items : 1; }
};

/// response: what a model wrote for reference.prompt. Fails if reference.prompt is no news prompt.
Result<NewsScores> scoreNews(const TaskExample& reference, std::string_view response);

/// The first sentences cut to nWords words.
std::string leadBaseline(const std::vector<std::string>& sentences, int64_t nWords);

}  // namespace spanscope
