// The vocabulary inside a GGUF file. Private to engine/model.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/added_tokens.h"
#include "engine/model/tokenizer/tokenizer.h"

namespace spanscope {

/// What every kind of vocabulary keeps in the metadata.
struct GgufVocabulary {
    std::vector<std::string> tokens;  ///< by id, not empty
    std::vector<double> types;        ///< of each token (PieceType); empty: not said
    AddedTokens named;                ///< bos, eos and pad by name, as a Hugging Face folder gives them; no tokens
    bool spacePrefix = true;          ///< a space before the text
};

/// Format for lists of different lengths and for more than `maxPieces`, before they are read.
Result<GgufVocabulary> readGgufVocabulary(const GgufFile& gguf, int32_t maxPieces, const std::string& file);

/// tokenizer.ggml.model = "llama".
Result<std::shared_ptr<const Tokenizer>> loadGgufSentencePiece(const GgufFile& gguf, int32_t maxPieces,
                                                               const std::string& file);

}  // namespace spanscope
