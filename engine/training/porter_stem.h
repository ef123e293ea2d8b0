// The stems of English words. Pure function; any thread.
#pragma once

#include <string>
#include <string_view>

namespace spanscope {

/// Porter's algorithm (1980) with the extensions of NLTK, which rouge-score uses. `word` in lower case.
std::string porterStem(std::string_view word);

}  // namespace spanscope
