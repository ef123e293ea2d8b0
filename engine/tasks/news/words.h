// Words of an article: how text is cut into them, compared and weighed. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanscope::news {

/// A run of non-space characters: punctuation, the word itself, punctuation. pre + core + post is the run.
struct Token {
    std::string pre, core, post;
    std::string text() const { return pre + core + post; }
    bool comma() const { return post.find(',') != std::string::npos; }
};
std::vector<Token> tokenize(std::string_view text);
std::string join(const std::vector<Token>& tokens);

std::string lower(std::string_view text);  ///< ASCII letters only
bool hasDigit(std::string_view word);
bool hasUpper(std::string_view word);
bool hasLower(std::string_view word);
bool isCapitalised(std::string_view word);  ///< first letter
/// Without 's or a trailing apostrophe.
std::string_view withoutPossessive(std::string_view word);
/// What two words of one topic share: lower case, no possessive, stemmed. Empty: stopword or no letter or digit.
std::string topicKey(std::string_view core);
std::vector<std::string> topicKeys(std::string_view text);
size_t countWords(std::string_view text);  ///< tokens with a letter or digit

}  // namespace spanscope::news
