// The vocabulary inside a GGUF file. Private to engine/model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/vocabulary.h"

namespace spanscope {

/// What every kind of vocabulary keeps in the metadata.
struct GgufVocabulary {
    std::vector<std::string> tokens;  ///< by id, not empty
    std::vector<PieceType> types;     ///< of each token; of those that only fill a gap: Unused
    AddedTokens named;                ///< bos, eos and pad by name, and whether they are added; no tokens
};

/// Format for lists of different lengths and for more than `maxPieces`, before they are read.
Result<GgufVocabulary> readGgufVocabulary(const GgufFile& gguf, int32_t maxPieces, const std::string& file);

/// tokenizer.ggml.model = "llama": pieces with scores.
Result<VocabularyFile> readGgufSentencePiece(const GgufFile& gguf, int32_t maxPieces, const std::string& file);

/// tokenizer.ggml.model = "gpt2": byte-level pieces with merges. Unsupported for a tokenizer.ggml.pre that is not
/// known.
Result<VocabularyFile> readGgufBpe(const GgufFile& gguf, int32_t maxPieces, const std::string& file);

}  // namespace spanscope
