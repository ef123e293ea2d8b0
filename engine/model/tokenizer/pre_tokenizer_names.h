// The expressions that byte-level vocabularies are cut with, and what the formats call them. Only these are run: an
// expression of a file may mean something else here than in the library that it was written for, and may take forever.
// Private to engine/model.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace spanscope {

/// An expression, written as tokenizer.json files have it (Oniguruma, \s for Unicode's white space).
struct KnownExpression {
    std::string_view text;
    /// Every character is in a match: what is between matches may be thrown away ("Removed", inverted) or kept.
    bool coversAll = false;
};

/// nullptr: not one of those that are run.
const KnownExpression* findExpression(std::string_view text);

/// GPT-2's, which ByteLevel stands for in tokenizer.json unless it says otherwise.
std::string_view gpt2Expression();

/// What tokenizer.ggml.pre of a GGUF file stands for.
struct GgufPreTokenizer {
    std::string_view name;
    std::span<const std::string_view> expressions;
    bool nfc = false;           ///< the text is composed first: the original tokenizers do so, GGUF has no key for it
    bool ignoreMerges = false;  ///< a word that is a piece is that piece, whatever its merges give
    bool addsBos = false;       ///< where tokenizer.ggml.add_bos_token does not say
};

/// nullptr: unknown.
const GgufPreTokenizer* findGgufPreTokenizer(std::string_view name);

/// "a, b or c", for messages.
std::string knownGgufPreTokenizers();

/// An expression of the table as PCRE2 must read it for the same result: its \s holds U+180E, Unicode's does not.
std::string forPcre2(std::string_view expression);

}  // namespace spanscope
