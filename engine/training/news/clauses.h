// Clauses of a sentence as the rules that delete words see them: verbs, subjects, what may go and what must stay.
// Lists of words decide, no parser; where they are unsure, the answer is the one that keeps words. Pure functions; any
// thread. Token indices are offsets into the sentence; ends are exclusive.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/reading/words.h"

namespace spanscope::news {

using Tokens = std::vector<Token>;

inline constexpr size_t kNameWords = 5;  ///< quotes around more words are somebody's

bool oneOf(std::string_view word, std::initializer_list<std::string_view> words);
std::string low(const Token& t);  ///< the word in lower case

bool isVerb(const Token& t);
bool hasVerb(const Tokens& s, size_t begin, size_t end);
/// The same, with any form in -ed taken for a verb: enough to say that a clause may stand alone.
bool hasVerbOrForm(const Tokens& s, size_t begin, size_t end);
/// Is there a verb in [begin, end) that says something of the subject? Not in "to provide", "be provided", "the
/// expected", and not one of a relative clause: "rivers that are wide and can carry ...".
bool predicateIn(const Tokens& s, size_t begin, size_t end);

/// Deletes tokens [begin, end). At the end of the sentence the full stop moves to the token before; at its start the
/// new first word gets a capital.
void erase(Tokens& s, size_t begin, size_t end, bool dropCommaBefore);

bool startsNounPhrase(const Token& t);
bool opensSubordinate(const Token& t);  ///< "while", "if", "although"
/// Does the main clause stand before token `end`? Behind an opening phrase ("With the funds gone, ...") it begins after
/// the first comma.
bool mainClauseBefore(const Tokens& s, size_t end);
/// A comma at `at` may be one of a list's: another stands before it.
bool listBefore(const Tokens& s, size_t at);
/// What would be cut behind token `end` belongs to what stays: "not only ...", "doubled, dismissed, and left".
bool needsRest(const Tokens& s, size_t end);
bool balancedBrackets(const Tokens& s);

}  // namespace spanscope::news
