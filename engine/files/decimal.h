// Numbers as text with a "." whatever the locale (Qt sets the C locale from the environment, so printf would not do).
#pragma once

#include <charconv>
#include <string>

namespace spanscope {

/// Fixed notation with `places` decimals.
inline std::string decimal(double value, int places) {
    char text[400];
    return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, places).ptr};
}

/// Like %g: `digits` significant ones, no trailing zeros.
inline std::string shortDecimal(double value, int digits = 6) {
    char text[64];
    return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

}  // namespace spanscope
