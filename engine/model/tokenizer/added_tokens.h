// Tokens that a Hugging Face folder adds to its vocabulary, and what it says of the ends of a text. Private to
// engine/model.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

struct AddedToken {
    int32_t id = 0;
    std::string content;
    bool stripLeft = false, stripRight = false;  ///< takes the white space on that side with it
    bool normalized = false;                     ///< looked for in the text after it has been normalised
};

struct AddedTokens {
    std::vector<AddedToken> tokens;        ///< by id, ids and contents unique
    std::string bos, eos, unk, pad;        ///< contents named by tokenizer_config.json; empty if not named
    std::optional<bool> addsBos, addsEos;  ///< add_bos_token, add_eos_token; empty: not said
};

/// Reads added_tokens.json and tokenizer_config.json of the folder; either may be missing. listed: "added_tokens" of a
/// tokenizer.json, `listFile` its path, or nullptr; the same token may stand in several places, then it must have one
/// id. Format for what contradicts, Unsupported for tokens that are to be found between words only.
Result<AddedTokens> loadAddedTokens(const std::string& folder, const nlohmann::json* maybeListed = nullptr,
                                    const std::string& listFile = {});

}  // namespace spanscope
