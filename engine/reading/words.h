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

/// Letter, digit or any byte of a character beyond ASCII.
bool isWordByte(char c);
/// Without white space and control characters at either end.
std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);  ///< ASCII letters only
bool hasDigit(std::string_view word);
bool hasUpper(std::string_view word);
bool hasLower(std::string_view word);
bool isCapitalised(std::string_view word);  ///< first letter
/// Without 's or a trailing apostrophe.
std::string_view withoutPossessive(std::string_view word);
size_t countWords(std::string_view text);  ///< tokens with a letter or digit

}  // namespace spanscope::news
