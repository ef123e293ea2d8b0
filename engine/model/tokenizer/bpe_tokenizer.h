// Vocabularies of byte pair encoding whose merges are listed in the file: over bytes (GPT-2 and after), or over
// characters with bytes for those that have no piece (tokenizer.json made from a sentencepiece model). Private to
// engine/model.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/model/tokenizer/bpe_merges.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/text_rules.h"
#include "engine/model/tokenizer/vocabulary.h"

namespace spanscope {

struct BpeSpec {
    std::vector<VocabularyPiece> pieces;        ///< by id; empty text: no piece. Scores are not used
    std::vector<BpeMerge> merges;               ///< by rank
    bool byteLevel = true;                      ///< names are spelled as byte_level.h says; else spaces are U+2581
    bool byteFallback = false;                  ///< not byteLevel: "<0x00>" to "<0xFF>" spell what has no piece
    bool ignoreMerges = false;                  ///< a word that is a piece is that piece, whatever its merges give
    std::vector<TextRule> rules;                ///< before the text is cut
    std::vector<std::string_view> expressions;  ///< of pre_tokenizer_names.h
    bool splitAtMarks = false;                  ///< a word begins at each U+2581
    std::vector<AddedToken> plain;              ///< added tokens that any text may become
};

/// The pieces of a vocabulary by name.
class PieceNames {
  public:
    /// Format, with `field` and the id, for a piece that is too long, not UTF-8 or in the list twice. pieces: outlive
    /// this object, unchanged.
    static Result<PieceNames> make(const std::vector<VocabularyPiece>& pieces, const std::string& file,
                                   const std::string& field);
    int32_t idOf(std::string_view name) const;  ///< -1: none

    /// Appends the merge of two pieces. Format, with `field`, where a side or the result is no piece.
    Status addMerge(std::string_view left, std::string_view right, const std::string& file, const std::string& field,
                    std::vector<BpeMerge>& merges);

  private:
    std::unordered_map<std::string_view, int32_t> m_ids;
    std::string m_joined;
};

/// names: of spec.pieces. Format for a merge that is listed twice, and for byte fallback without a piece for every
/// byte.
Result<Vocabulary> bpeVocabulary(BpeSpec spec, const PieceNames& names, const std::string& file);

}  // namespace spanscope
