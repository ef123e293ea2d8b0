// UTF-8, strictly (no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spanscope {

/// One step through a byte string.
struct Utf8Step {
    size_t nBytes = 0;        ///< to skip; 0 only at the end of the text
    bool valid = false;       ///< a whole character
    bool incomplete = false;  ///< not valid, but more bytes could make it so
};
Utf8Step nextUtf8(std::string_view text);

/// Offset of the first byte that is not UTF-8, npos if there is none.
size_t firstBadUtf8(std::string_view text);

/// Everything that is not UTF-8 becomes U+FFFD.
std::string replaceBadUtf8(std::string_view text);

}  // namespace spanscope
