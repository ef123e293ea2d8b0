#include "engine/files/safe_text.h"

#include <cstdio>

#include "engine/files/utf8.h"

namespace spanscope {

namespace {

/// A whole character of UTF-8.
char32_t decoded(std::string_view bytes) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
    if (bytes.size() == 1) return byte(0);
    char32_t c = byte(0) & (0x7FU >> bytes.size());
    for (size_t i = 1; i < bytes.size(); ++i) c = (c << 6) | (byte(i) & 0x3FU);
    return c;
}

/// Calls take(bytes, character) for each character; for what is not UTF-8 with valid = false.
template <class Take>
void forEachCharacter(std::string_view text, const Take& take) {
    while (!text.empty()) {
        const Utf8Step step = nextUtf8(text);
        const std::string_view bytes = text.substr(0, step.nBytes);
        take(bytes, step.valid ? decoded(bytes) : char32_t{0}, step.valid);
        text.remove_prefix(step.nBytes);
    }
}

}  // namespace

bool isControlling(char32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

std::string terminalSafe(std::string_view text, bool oneLine) {
    std::string clean;
    clean.reserve(text.size());
    forEachCharacter(text, [&](std::string_view bytes, char32_t c, bool valid) {
        if (valid && !isControlling(c) && !(oneLine && c == '\n')) {
            clean += bytes;
            return;
        }
        for (const char byte : bytes) {
            char code[5];
            std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(byte));
            clean += code;
        }
    });
    return clean;
}

std::string clipped(std::string_view text) {
    constexpr size_t kLongest = 80;
    size_t end = 0;
    while (end < text.size()) {  // whole characters
        const size_t next = end + nextUtf8(text.substr(end)).nBytes;
        if (next > kLongest) break;
        end = next;
    }
    return terminalSafe(text.substr(0, end), true) + (end < text.size() ? "..." : "");
}

std::string printableJson(std::string_view json) {
    std::string clean;
    clean.reserve(json.size());
    forEachCharacter(json, [&](std::string_view bytes, char32_t c, bool valid) {
        if (!valid || c < 0x20 ||
            !isControlling(c)) {  // JSON has no raw control characters below 0x20 but its own line ends
            clean += bytes;
            return;
        }
        char code[12];
        std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
        clean += code;
    });
    return clean;
}

std::string withoutControls(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    forEachCharacter(text, [&](std::string_view bytes, char32_t c, bool valid) {
        const bool control = (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || (c >= 0x7F && c < 0xA0);
        const bool noCharacter = c == 0xFFFE || c == 0xFFFF;
        if (valid && !control && !noCharacter) clean += bytes;
        else clean += "\xEF\xBF\xBD";
    });
    return clean;
}

}  // namespace spanscope
