// What a sentencepiece vocabulary of byte pair encoding does to a word. It lists no merges: two neighbours may be
// joined where together they are a piece, the best score first, the leftmost of equals. libsentencepiece does the same
// for whole texts and with a lookup by name for every pair; this is for the many short words of a long text, and leaves
// everything else to it. Private to engine/model.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/model/tokenizer/bpe_merges.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/token_marks.h"

namespace spanscope {

/// Immutable; any thread may use it.
class ScoredMerges {
  public:
    static constexpr size_t kMaxBytes = 34;        ///< of a word, spaces as marks
    static constexpr size_t kWorthIt = 256 << 10;  ///< bytes of text: shorter ones are done before the tables are made

    /// Null for a vocabulary that cuts in another way: unigrams, or with pieces that are taken apart again.
    static std::unique_ptr<ScoredMerges> make(const VocabularySpec& spec);

    /// word: normalised, spaces as marks. False, and `pieces` is nothing, where more would be needed: for a long word,
    /// or a character without a piece.
    bool cut(std::string_view word, std::vector<int32_t>& pieces) const;

  private:
    explicit ScoredMerges(const VocabularySpec& spec);

    int32_t characterPiece(std::string_view character) const;

    std::array<int32_t, 128> m_ascii;                    ///< -1: no piece
    std::unordered_map<uint32_t, int32_t> m_characters;  ///< by their bytes: all others
    std::optional<BpeMerges> m_merges;
    TokenMarks m_first;  ///< user defined: found in a text before anything is joined
};

}  // namespace spanscope
