// Plain text to ids by byte pair encoding. Private to engine/model.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/model/tokenizer/bpe_merges.h"
#include "engine/model/tokenizer/pre_tokenizer.h"
#include "engine/model/tokenizer/scratch_pool.h"
#include "engine/model/tokenizer/text_rules.h"
#include "engine/model/tokenizer/token_marks.h"
#include "engine/model/tokenizer/vocabulary.h"

namespace spanscope {

class BpeEncoder final : public TextEncoder {
  public:
    /// What it needs of a vocabulary.
    struct Parts {
        std::optional<BpeMerges> merges;
        std::optional<PreTokenizer> cutter;
        std::vector<TextRule> rules;
        bool splitAtMarks = false;           ///< a word begins at each U+2581
        bool bytes = true;                   ///< merges begin with bytes, else with characters
        std::array<int32_t, 256> byteIds{};  ///< of bytes, or of those of characters without a piece; -1: none
        std::vector<std::pair<std::string, int32_t>> words;       ///< pieces that stand for a whole word at once
        std::vector<std::pair<std::string, int32_t>> characters;  ///< not `bytes`: pieces of one character
        TokenMarks rawMarks, marks;                               ///< added tokens: found before the rules, after them
    };
    explicit BpeEncoder(Parts parts);
    ~BpeEncoder() override;

    /// Ids of -1 stand for what has no piece.
    Result<std::vector<int32_t>> encode(std::string_view text, bool follows) const override;

  private:
    struct Scratch;
    using Names = std::unordered_map<std::string_view, int32_t>;

    Status encodeSection(std::string_view text, bool follows, Scratch& scratch, std::vector<int32_t>& out) const;
    Status encodeNormalised(std::string_view text, Scratch& scratch, std::vector<int32_t>& out) const;
    void encodeWord(std::string_view word, Scratch& scratch, std::vector<int32_t>& out) const;
    void cutWord(std::string_view word, std::vector<int32_t>& pieces) const;

    Parts m_parts;
    Names m_words, m_characters;
    mutable ScratchPool<Scratch> m_scratches;
};

}  // namespace spanscope
