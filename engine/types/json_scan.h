// What a JSON text would cost before it is parsed: outside input must not decide how much memory a parser takes.
// No judgement of the text itself; the parser does that.
#pragma once

#include <cstddef>
#include <string_view>

namespace spanscope {

struct JsonScan {
    size_t nValues = 0;  ///< values, keys and containers together, at most
    size_t depth = 0;    ///< levels of arrays and objects
    size_t nulAt = std::string_view::npos;  ///< of the first NUL byte, where parsers stop reading
};

JsonScan scanJson(std::string_view text);

}  // namespace spanscope
