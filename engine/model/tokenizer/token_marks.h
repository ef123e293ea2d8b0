// Finds added tokens and special pieces by name in a text. Private to engine/model.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/model/tokenizer/added_tokens.h"

namespace spanscope {

/// Immutable; any thread may use it.
class TokenMarks {
  public:
    TokenMarks() = default;
    /// Tokens without a name are never found; of several with the same name the last one is.
    explicit TokenMarks(std::vector<AddedToken> tokens);
    bool empty() const { return m_tokens.empty(); }

    struct Match {
        size_t begin = 0, end = 0;  ///< with the white space that the token takes with it
        int32_t id = 0;
    };
    /// The first one at or behind `from`, the longest of those that begin there. White space before it is taken from
    /// `from` on.
    std::optional<Match> next(std::string_view text, size_t from) const;

  private:
    const AddedToken* at(std::string_view rest) const;

    std::vector<AddedToken> m_tokens;      ///< by name
    std::array<uint32_t, 257> m_starts{};  ///< of the tokens by their first byte
};

}  // namespace spanscope
