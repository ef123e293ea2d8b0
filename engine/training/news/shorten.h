// Makes a key point out of a sentence by deleting words from it, never by writing new ones. The rules, in order
// (engine/tasks/news/README.md has an example of each):
//   dateline, tickers and angle brackets, parentheses; attribution at the end, in the middle, at the start;
//   opening connectives; relative clauses; asides between subject and verb; "also", "today", "however"; and, where
//   the rest is still long, trailing clauses ("while ...", "compared with ...").
// Besides deletion only the first letter may become a capital and the last mark a full stop. Deterministic.
#pragma once

#include <string>
#include <string_view>

namespace spanscope::news {

struct Shortened {
    std::string text;
    bool changed = false;    ///< at least one word less than the sentence
    bool usable = false;     ///< reads as a sentence: has a verb, balanced quotes, 5 to maxWords words
    bool anaphoric = false;  ///< begins with a pronoun or "The company": needs an earlier sentence
    bool pronoun = false;    ///< begins with a pronoun
};
Shortened shorten(std::string_view sentence, size_t maxWords = 30);

/// The capitalised words that begin a sentence up to its first verb, where they name a company or body
/// ("Linde AG", "The Bank of Japan"); empty if they do not.
std::string subjectName(std::string_view sentence);

/// "The company said ..." -> subject "The company", else "It" ...; empty if the sentence begins otherwise.
std::string_view anaphor(std::string_view sentence);

}  // namespace spanscope::news
