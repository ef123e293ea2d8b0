// From typed text to the numbered sentences of a prompt. The dataset writer uses the same parts, so that what is
// trained is what is run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope::news {

inline constexpr size_t kMaxSentences = 999;
inline constexpr int kDefaultMaxPoints = 5;

/// How many key points an article gets: one for every four sentences, at least 2, at most maxPoints.
int pointCount(int nSentences, int maxPoints);

struct TypedArticle {
    int points = 0;     ///< asked for in a first line "points: N"; 0 = by length
    std::string title;  ///< a first line without full stop, set off by an empty line; not shown to the model
    std::vector<std::string> sentences;
    int nPoints() const;  ///< what the prompt asks for
};

/// InvalidArgument ("line L, column C: ...") for text without a sentence, Format for text that is not UTF-8.
Result<TypedArticle> readTyped(std::string_view typed);

/// True if the text spells a special piece of the protocol.
bool namesSpecialPiece(std::string_view text);

}  // namespace spanscope::news
