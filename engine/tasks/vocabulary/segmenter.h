// Cuts a text into chunks of about equal size in tokens, losslessly: one after the other they are the text again. As
// Declarative Attention does it (arXiv 2609.02737, appendix F): a part that is too long is cut at the coarsest
// delimiter that it contains (blank line, line end, sentence, clause, white space), and what comes of it is packed in
// order. A run without white space is never cut, however long. Cuts stand behind their delimiter, so that no character
// is parted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/model.h"

namespace spanscope {

/// Where the tokens of a text end, in bytes; how many a part of it has follows from that.
class TokenEnds {
  public:
    /// Errors of Tokenizer::encode().
    static Result<TokenEnds> of(std::string_view text, const Tokenizer& tokenizer);
    /// ends: ascending.
    explicit TokenEnds(std::vector<size_t> ends) : m_ends(std::move(ends)) {}
    /// Tokens that end behind `begin` and not behind `end`.
    int64_t count(size_t begin, size_t end) const;

  private:
    std::vector<size_t> m_ends;
};

/// targetTokens: packed up to this; mostTokens, not less: a part of more is cut. Empty text gives no chunk. Linear in
/// the text but for a logarithm.
std::vector<std::string_view> cutIntoChunks(std::string_view text, const TokenEnds& tokens, int64_t targetTokens,
                                            int64_t mostTokens);

}  // namespace spanscope
