// Headlines as a model can learn them: newswire writes them in capitals, with tickers and slugs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanscope::news {

/// Without tickers and slug ("TALKING POINT/", "(CORRECTED)"). Words all in capitals get the spelling that the
/// article uses inside its sentences, or lower case. Mixed-case headlines keep their spelling.
std::string cleanHeadline(std::string_view title, const std::vector<std::string>& sentences);

struct Grounding {
    std::vector<int> sentences;  ///< ascending, 0-based, at most 3
    double share = 0;            ///< headline topics found in them
    double inOrder = 0;          ///< headline topics that stand in them one after the other, as in the headline
    bool numbersFound = true;    ///< every number and every abbreviation in capitals of the headline stands in them
    bool subjectFound = false;   ///< and the first topic, mostly who it is about
};
/// Sentences chosen greedily by how many still unfound topics of the headline they hold; ties go to the earlier.
Grounding groundHeadline(std::string_view headline, const std::vector<std::string>& sentences);

}  // namespace spanscope::news
