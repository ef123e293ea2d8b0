// tokenizer.json of the tokenizers package (github.com/huggingface/tokenizers): what it does to a text is named part by
// part. Every part, and every field of it, is understood or refused by its name. Private to engine/model.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/model/tokenizer/vocabulary.h"
#include "kernels/result.h"

namespace spanscope {

/// The file taken apart: the two long lists, and the rest as a value.
struct TokenizerJson {
    struct Entry {
        std::string piece;
        double number = 0;  ///< id where the vocabulary is an object, else the score; ids then count from 0
    };
    nlohmann::json rest;  ///< an object; model.vocab and model.merges are null in it
    bool scored = false;  ///< the vocabulary is a list of pieces with scores
    std::vector<Entry> vocabulary;
    std::vector<std::pair<std::string, std::string>> merges;
};

/// Format for what is not JSON of this form, and for more than `maxPieces` pieces, as soon as one too many is met.
Result<TokenizerJson> parseTokenizerJson(std::string_view text, const std::string& file, int32_t maxPieces);

/// Unsupported, with the part's name, for parts that are not understood; Format for what contradicts itself.
/// added: "added_tokens" of the file and what stands beside it.
Result<VocabularyFile> readTokenizerJson(TokenizerJson parts, AddedTokens added, const std::string& file);

/// The file with what stands beside it in its folder.
Result<VocabularyFile> loadTokenizerJson(const std::string& path, int32_t maxPieces);

}  // namespace spanscope
