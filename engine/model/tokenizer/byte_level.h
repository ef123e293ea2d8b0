// How byte-level vocabularies spell bytes: each of the 256 is one character, so that a piece is readable text. The
// printable ones of Latin-1 stand for themselves, the others are counted up from U+0100. From GPT-2. Private to
// engine/model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spanscope {

/// The character of a byte as UTF-8: 'a' -> "a", ' ' -> "Ġ", '\n' -> "Ċ".
std::string byteLevelName(uint8_t byte);

/// The bytes that a piece stands for: "Ġthe" -> " the". A name with a character that stands for no byte is its own
/// bytes, as the tokenizers package has it.
std::string byteLevelBytes(std::string_view name);

}  // namespace spanscope
