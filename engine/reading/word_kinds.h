// Kinds of words that shortening and scoring tell apart. Data only: word_kinds.cpp. Lookups take lower case unless a
// comment says otherwise.
#pragma once

#include <string_view>

namespace spanscope::news {

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
