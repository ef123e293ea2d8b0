// Words the news task knows by kind. Data only: tables.cpp. All lists are sorted; lookups take lower case unless
// a comment says otherwise.
#pragma once

#include <string_view>

namespace spanscope::news {

// Sentence borders. Without the final full stop.
bool isTitleAbbreviation(std::string_view word);  ///< "Mr", "Rep", "vs": always followed by more of the sentence
bool isAbbreviation(std::string_view word);       ///< "Inc", "Jan", "U.S": may or may not end a sentence
bool isUnit(std::string_view word);               ///< "pct", "dlrs", "lb": a capital after the full stop starts anew
bool startsSentence(std::string_view word);       ///< "The", "It", "But": what follows an abbreviation starts anew

// Shortening and scoring.
bool isStopword(std::string_view word);      ///< carries no topic
bool isFunctionWord(std::string_view word);  ///< may start a sentence in capitals without being a name
bool isPreposition(std::string_view word);
bool isPronoun(std::string_view word);        ///< subject pronouns and "this", "these": need an earlier sentence
bool isSpeechVerb(std::string_view word);     ///< "said", "added"
bool isFiniteVerb(std::string_view word);     ///< auxiliaries and common newswire verbs in finite forms
bool isConnective(std::string_view word);     ///< "However", "Meanwhile" (lower case here)
bool isCompanySuffix(std::string_view word);  ///< "Corp", "Ltd" (as written)
/// Spelling of a word that is always written in capitals or with one: "u.s." -> "U.S.", "japan" -> "Japan".
std::string_view properSpelling(std::string_view lower);  ///< empty if unknown

}  // namespace spanscope::news
