// Reports about things that never happened: sport, markets, companies, weather, accidents, councils. Names and numbers
// are drawn fresh for each, so a model that wants to get them right has to copy; the facts are known, so headline,
// key points and their sources are right by construction.
//
// Templates are data (synthetic_*.cpp). In a template `[[...]]` is what the sentence says and its key point leaves
// out, `<a|b>` a choice, `{kind:name ...}` a value that keeps its name through the article.
#pragma once

#include <cstdint>

#include "engine/training/news/target.h"

namespace spanscope::news {

struct SyntheticReport {
    Article article;
    Target target;
    std::string domain;
};

struct SyntheticLimits {
    int minSentences = 4, maxSentences = 40;
    int maxPoints = 5;
};

/// The index-th report of a seed; every (seed, index) is independent of the others.
SyntheticReport syntheticReport(uint64_t seed, uint64_t index, const SyntheticLimits& limits);

}  // namespace spanscope::news
