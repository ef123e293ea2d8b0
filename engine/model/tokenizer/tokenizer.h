// Text <-> token ids. One interface for sentencepiece models, byte-level vocabularies and what GGUF files hold.
//
// Text that a person typed can never become a control or special piece: encode() yields only ordinary and
// byte pieces. Trusted text (written by a task formatter) may name special pieces; encodeTrusted() maps them.
// Immutable after loading; any thread may call const members.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/span/pieces.h"
#include "kernels/result.h"

namespace spanscope {

/// Who wrote a text, and so which pieces it may name.
enum class TextTrust : uint8_t {
    Typed,    ///< none: ordinary and byte pieces only, whatever it spells
    Trusted,  ///< the special pieces of pieces.h and those that a file adds, bos and eos too if it adds them
};

/// Tokens of a vocabulary that carry pieces of the protocol under names of their own: "<attend>" -> "<repo_name>".
using PieceRiders = std::map<std::string, std::string, std::less<>>;

class Tokenizer {
  public:
    virtual ~Tokenizer() = default;

    virtual int32_t vocabSize() const = 0;
    virtual int32_t bosId() const = 0;  ///< -1: none
    virtual int32_t eosId() const = 0;  ///< -1: none
    /// A text is to begin with bosId(), to end with eosId(): the file's own word, else its kind's habit.
    virtual bool addsBos() const = 0;
    virtual bool addsEos() const = 0;

    /// No bos, no eos. follows: the text stands behind other text of the same sequence, so that no space is put before
    /// it. Where the vocabulary carries the protocol, trusted text is cut at line ends and labels are written digit by
    /// digit, so that no piece reaches over the end of a segment. InvalidArgument for text that is not UTF-8 and for
    /// characters that the vocabulary cannot write.
    virtual Result<std::vector<int32_t>> encode(std::string_view text, TextTrust trust, bool follows) const = 0;
    Result<std::vector<int32_t>> encode(std::string_view text) const { return encode(text, TextTrust::Typed, false); }
    Result<std::vector<int32_t>> encodeTrusted(std::string_view text) const {
        return encode(text, TextTrust::Trusted, false);
    }

    /// Exact bytes of one piece: "▁the" -> " the", "<0x0A>" -> "\n", "<attend>" -> "<attend>", bos -> "".
    virtual std::string pieceBytes(int32_t id) const = 0;
    /// The vocabulary's own spelling, for tables ("<0x0A>", "▁the"). Empty: there is no such piece.
    virtual std::string pieceName(int32_t id) const = 0;
    virtual bool isControl(int32_t id) const = 0;  ///< bos, eos, unk, pad
    virtual bool isSpecial(int32_t id) const = 0;  ///< control or user-defined: drawn as a chip
    bool hasPiece(int32_t id) const { return !pieceName(id).empty(); }

    /// Id of a piece by exact name, -1 if there is none.
    virtual int32_t idOf(std::string_view pieceName) const = 0;

    /// Ids below vocabSize() without a piece, in order.
    virtual std::span<const int32_t> holes() const = 0;
    /// Pieces that hold a line end among other bytes, in order: while the protocol runs they must not be sampled, since
    /// the line end that closes a segment would go unseen.
    virtual std::span<const int32_t> lineEndPieces() const = 0;

    /// Whole sequence to text; special pieces written by name, control pieces left out, ids without a piece as
    /// "<id 316>".
    std::string decode(std::span<const int32_t> ids) const;
    /// Protocol ids of this vocabulary (complete() says whether it can carry the protocol).
    PieceIds pieceIds() const;
};

/// tokenizer.model through libsentencepiece, plus added_tokens.json / tokenizer_config.json of the folder. Format for
/// more than `maxPieces` (rows of the embedding; -1: as many as any model may have), before they are built.
Result<std::shared_ptr<const Tokenizer>> loadSentencePiece(const std::string& tokenizerModelPath,
                                                           int32_t maxPieces = -1);

/// The tokenizer of a model without its weights: of a folder, a tokenizer.model, a tokenizer.json or a GGUF file, with
/// what stands beside it (spanscope.json too).
Result<std::shared_ptr<const Tokenizer>> openTokenizer(const std::string& path);

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
