// Tokens that a Hugging Face folder adds to its sentencepiece model. Private to engine/model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

struct AddedToken {
    int32_t id = 0;
    std::string content;
};

struct AddedTokens {
    std::vector<AddedToken> tokens;  ///< by id, ids and contents unique
    std::string bos, eos, unk, pad;  ///< contents named by tokenizer_config.json; empty if not named
};

/// Reads added_tokens.json and tokenizer_config.json of the folder; either may be missing.
Result<AddedTokens> loadAddedTokens(const std::string& folder);

}  // namespace spanscope
