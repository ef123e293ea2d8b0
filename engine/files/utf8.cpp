#include "engine/files/utf8.h"

#include <cstdint>

namespace spanscope {

Utf8Step nextUtf8(std::string_view text) {
    if (text.empty()) return {};
    const auto lead = static_cast<uint8_t>(text[0]);
    if (lead < 0x80) return {1, true, false};
    size_t length = 0;
    if (lead >= 0xC2 && lead <= 0xDF) length = 2;
    if ((lead & 0xF0) == 0xE0) length = 3;
    if (lead >= 0xF0 && lead <= 0xF4) length = 4;
    if (length == 0) return {1, false, false};
    for (size_t i = 1; i < length; ++i) {
        if (i >= text.size()) return {i, false, true};
        const auto byte = static_cast<uint8_t>(text[i]);
        uint8_t low = 0x80;
        uint8_t high = 0xBF;
        if (i == 1) {  // the second byte carries the range checks (Unicode, table 3-7)
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        }
        if (byte < low || byte > high) return {i, false, false};
    }
    return {length, true, false};
}

size_t firstBadUtf8(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
        const Utf8Step step = nextUtf8(text.substr(at));
        if (!step.valid) return at;
        at += step.nBytes;
    }
    return std::string_view::npos;
}

std::string replaceBadUtf8(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const Utf8Step step = nextUtf8(text.substr(at));
        if (step.valid) result += text.substr(at, step.nBytes);
        else result += "\xEF\xBF\xBD";
        at += step.nBytes;
    }
    return result;
}

}  // namespace spanscope
