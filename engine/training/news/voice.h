// Who speaks in a sentence: quotations, their speakers, and text in which the author speaks. Curly and straight quotes
// are the same to all of these. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/reading/words.h"

namespace spanscope::news {

struct Quotes {
    bool any = false;
    bool balanced = true;     ///< every quotation begins and ends in this text, one after the other
    size_t longestWords = 0;  /// of the longest quotation that is no name
};
Quotes quotesOf(std::string_view text);

/// Offset of the first closing quote in the marks behind a word; npos if there is none.
size_t closingQuote(std::string_view marks);

/// For every sentence: is any of it part of a quotation that begins in an earlier sentence or ends in a later one? Its
/// speaker is then named elsewhere. `body`: the text that the sentences are from, for its paragraphs; empty: one
/// paragraph.
std::vector<bool> partOfLongerQuotation(std::string_view body, const std::vector<std::string>& sentences);

/// Somebody with a name or a description says it: ", said Ann Bell", "the senators wrote"; not "he said".
bool namesSpeaker(std::string_view sentence);

/// "I", "we", "our", "you" outside quotations: true only with the author beside it.
bool speaksToReader(std::string_view sentence);

/// The words of an attribution name a body that reports its own affairs ("the company", "police", "Denby Ltd", "a
/// survey"), and no person whose claim it is.
bool isBody(const std::vector<Token>& tokens, size_t begin, size_t end);

}  // namespace spanscope::news
