// Words that tell where a sentence ends and where the next one begins, as written. Data only: tables.cpp.
#pragma once

#include <string_view>

namespace spanscope::news {

// Sentence borders. Without the final full stop.
bool isTitleAbbreviation(std::string_view word);  ///< "Mr", "Rep", "vs": always followed by more of the sentence
bool isAbbreviation(std::string_view word);       ///< "Inc", "Jan", "U.S": may or may not end a sentence
bool isUnit(std::string_view word);               ///< "pct", "dlrs", "lb": a capital after the full stop starts anew
bool startsSentence(std::string_view word);       ///< "The", "It", "But": what follows an abbreviation starts anew

}  // namespace spanscope::news
