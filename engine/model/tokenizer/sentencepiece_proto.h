// A sentencepiece vocabulary as plain data. libsentencepiece is never given bytes of a file: a ModelProto is read here
// field by field, checked, and written anew from what was understood, so that the library and this program cannot
// read one file in two ways. https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto. Private
// to engine/model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/shape_limits.h"
#include "kernels/result.h"

namespace spanscope {

/// ModelProto.SentencePiece.Type; GGUF's tokenizer.ggml.token_type has the same numbers.
enum class PieceType : uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

/// TrainerSpec.ModelType.
enum class VocabularyKind : uint8_t { Unigram = 1, Bpe = 2, Word = 3, Char = 4 };

struct VocabularyPiece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::Normal;
    bool operator==(const VocabularyPiece&) const = default;
};

/// Everything of a ModelProto that changes how a text is encoded. Left out, and so never run or believed: self-test
/// samples, the table for decoding, how it was trained. The defaults are the format's.
struct VocabularySpec {
    std::vector<VocabularyPiece> pieces;
    VocabularyKind kind = VocabularyKind::Unigram;
    bool byteFallback = false;
    bool spaceAtEnd = false;                                              ///< treat_whitespace_as_suffix
    std::string unk = "<unk>", bos = "<s>", eos = "</s>", pad = "<pad>";  ///< by name; may name no piece
    std::string charsmap;      ///< precompiled normalisation table; empty: none
    bool dummyPrefix = true;   ///< a space before the text
    bool trimSpaces = true;    ///< remove_extra_whitespaces
    bool escapeSpaces = true;  ///< a space becomes U+2581
    bool operator==(const VocabularySpec&) const = default;
};

/// The library builds its tries recursively, a level a byte. Real vocabularies stay below 100 bytes.
inline constexpr size_t kMaxPieceBytes = 1024;

/// Reads a serialised ModelProto. Format, with the place, on anything truncated or malformed, on unknown enumerators
/// and on more than `maxPieces`, as soon as one too many is met. Fields that come twice count as protobuf counts them.
Result<VocabularySpec> readModelProto(std::string_view proto, const std::string& file, int32_t maxPieces = kMaxVocab);

/// What libsentencepiece relies on or would take long over, wherever the vocabulary comes from: pieces (text, UTF-8,
/// length, no two alike, finite scores, one unknown, bytes complete), the normalisation table. Format otherwise.
Status checkSpec(const VocabularySpec& spec, const std::string& file);

/// A ModelProto that libsentencepiece loads.
std::string writeModelProto(const VocabularySpec& spec);

/// "<0x00>" to "<0xFF>": how a byte piece is called.
bool isByteName(std::string_view name);

}  // namespace spanscope
