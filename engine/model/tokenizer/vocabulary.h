// What kinds of vocabulary share, whatever carries them: pieces by id and by name, tokens that a file adds, the
// protocol's special pieces, and the promise that typed text never becomes one. A kind of vocabulary is a TextEncoder
// and a reader that fills in a VocabularyFile. Private to engine/model.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/tokenizer/added_tokens.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "kernels/result.h"

namespace spanscope {

struct Piece {
    std::string name;      ///< as the vocabulary spells it; empty: there is no piece with this id
    std::string bytes;     ///< of the text that it stands for; empty for control pieces
    bool control = false;  ///< bos, eos, unk, pad
    bool special = false;  ///< control, or markup that typed text must not become
};

/// How one kind of vocabulary cuts plain text. Any thread may call encode().
class TextEncoder {
  public:
    virtual ~TextEncoder() = default;
    /// text: UTF-8. follows: it stands behind other text, not at the beginning. Ids of special pieces that the text
    /// happens to spell may be among the result; the caller writes their characters with ordinary pieces.
    virtual Result<std::vector<int32_t>> encode(std::string_view text, bool follows) const = 0;
};

/// As read from a file, before anything is added.
struct Vocabulary {
    Vocabulary() { byteIds.fill(-1); }
    std::vector<Piece> pieces;             ///< by id
    std::array<int32_t, 256> byteIds;      ///< of the pieces that stand for one byte of any character; -1: none
    bool byteLevel = false;                ///< names are spelled as byte_level.h says
    bool encoderFindsAdded = false;        ///< added tokens that are no markup, in any text
    int32_t bos = -1, eos = -1, unk = -1;  ///< -1: none
    bool addsBos = true, addsEos = false;  ///< where the file does not say; a vocabulary without bos adds none
    std::unique_ptr<const TextEncoder> encoder;
};

/// A vocabulary and what stands beside it.
struct VocabularyFile {
    Vocabulary vocabulary;
    AddedTokens added;  ///< beyond the vocabulary's own; the names of bos, eos, unk and pad where a file says them
};

/// How sentencepiece spells a space: U+2581.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// Bytes of a piece that spells spaces so: "▁the" -> " the".
std::string spaceMarkBytes(std::string_view name);

/// A user-defined piece that is one character or white space can be typed like any other; longer ones are markup.
bool isMarkup(std::string_view name);

/// riders: tokens that carry the protocol's pieces under other names. Format: an added token far outside the
/// vocabulary, bos or eos to be added and none there, a rider that is missing, ordinary text or taken twice. file is
/// for messages only.
Result<std::shared_ptr<const Tokenizer>> makeTokenizer(VocabularyFile read, const PieceRiders& riders,
                                                       const std::string& file);

}  // namespace spanscope
