// What a vocabulary does to a text before it is cut: composing characters, writing spaces as marks. Private to
// engine/model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

struct TextRule {
    enum class Kind : uint8_t {
        Nfc,          ///< Unicode's composed form
        Replace,      ///< every `from` by `to`
        Prepend,      ///< `to` before the beginning of a text, not of one that follows other text
        PrependOnce,  ///< the same, unless it is there already
    };
    Kind kind = Kind::Nfc;
    std::string from, to;
};

/// Applies the rules in order. text: UTF-8, valid; `room` holds the result where it differs from the text.
/// InvalidArgument where it would become longer than an encoder can count.
Result<std::string_view> applyRules(const std::vector<TextRule>& rules, std::string_view text, bool follows,
                                    std::string& room);

}  // namespace spanscope
