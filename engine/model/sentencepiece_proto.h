// The few fields of sentencepiece's ModelProto that the library's public header does not give, read and written on
// the wire: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto. Private to engine/model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/result.h"

namespace spanscope {

/// ModelProto.SentencePiece.Type; GGUF's tokenizer.ggml.token_type has the same numbers.
enum class PieceType : uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

/// The type of every piece, by id. Format on a truncated or malformed message.
Result<std::vector<PieceType>> readPieceTypes(std::string_view proto, const std::string& file);

/// The library walks the normalisation table (a double array, then the replacement texts) without looking where it
/// steps. Format if a step from any unit could leave the table, or a replacement the texts.
Status checkNormalization(std::string_view proto, const std::string& file);

struct VocabularyPiece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::Normal;
};

struct VocabularySpec {
    std::vector<VocabularyPiece> pieces;
    int32_t unkId = 0, bosId = -1, eosId = -1, padId = -1;
    bool dummyPrefix = true;
};

/// A ModelProto (BPE by score, identity normalisation) that libsentencepiece loads.
std::string writeModelProto(const VocabularySpec& spec);

}  // namespace spanscope
