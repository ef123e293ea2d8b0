// Text <-> token ids. One interface for sentencepiece models and GGUF vocabularies.
//
// Text that a person typed can never become a control or special piece: encode() yields only ordinary and
// byte pieces. Trusted text (written by a task formatter) may name special pieces; encodeTrusted() maps them.
// Immutable after loading; any thread may call const members.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/span/pieces.h"
#include "kernels/result.h"

namespace spanscope {

class Tokenizer {
  public:
    virtual ~Tokenizer() = default;

    virtual int32_t vocabSize() const = 0;
    virtual int32_t bosId() const = 0;  ///< -1: none
    virtual int32_t eosId() const = 0;  ///< -1: none

    /// Ordinary and byte pieces only, whatever the text spells. No bos. Fails on text that is not UTF-8.
    virtual Result<std::vector<int32_t>> encode(std::string_view text) const = 0;

    /// The same, but the special pieces of pieces.h and those the vocabulary adds become their ids.
    virtual Result<std::vector<int32_t>> encodeTrusted(std::string_view text) const = 0;

    /// Exact bytes of one piece: "▁the" -> " the", "<0x0A>" -> "\n", "<attend>" -> "<attend>", bos -> "".
    virtual std::string pieceBytes(int32_t id) const = 0;
    /// The vocabulary's own spelling, for tables ("<0x0A>", "▁the").
    virtual std::string pieceName(int32_t id) const = 0;
    virtual bool isControl(int32_t id) const = 0;  ///< bos, eos, unk, pad
    virtual bool isSpecial(int32_t id) const = 0;  ///< control or user-defined: drawn as a chip

    /// Id of a piece by exact name, -1 if there is none.
    virtual int32_t idOf(std::string_view pieceName) const = 0;

    /// Whole sequence to text; special pieces written by name, control pieces left out.
    std::string decode(std::span<const int32_t> ids) const;
    /// Protocol ids of this vocabulary (complete() says whether it can carry the protocol).
    PieceIds pieceIds() const;
};

/// tokenizer.model through libsentencepiece, plus added_tokens.json / tokenizer_config.json of the folder. Format for
/// more than `maxPieces` (rows of the embedding; -1: as many as any model may have), before they are built.
Result<std::shared_ptr<const Tokenizer>> loadSentencePiece(const std::string& tokenizerModelPath,
                                                           int32_t maxPieces = -1);

/// Joins byte pieces into characters while streaming: feed() returns what can be shown now (valid UTF-8, maybe
/// empty), flush() the rest with U+FFFD for what never became a character.
class StreamDecoder {
  public:
    explicit StreamDecoder(const Tokenizer& tokenizer) : m_tokenizer(tokenizer) {}
    std::string feed(int32_t id);
    std::string flush();

  private:
    const Tokenizer& m_tokenizer;
    std::string m_pending;
};

}  // namespace spanscope
