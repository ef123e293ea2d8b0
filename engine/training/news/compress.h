// Makes a headline out of a sentence by deleting words from it, never by writing new ones: what shorten() leaves, then
// asides, relative clauses and trailing phrases until it is short. For articles whose own title says what its sentences
// do not; who learns from such titles learns to invent. Deterministic. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace spanscope::news {

inline constexpr size_t kHeadlineWords = 20;

/// 5 to maxWords words with subject and verb and no full stop; empty where the rules cannot get there, and for
/// sentences that lean on earlier ones, quote somebody or set a condition.
std::string compressed(std::string_view sentence, size_t maxWords = kHeadlineWords);

}  // namespace spanscope::news
