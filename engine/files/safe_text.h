// Text from files, for places where some characters do more than stand there.
#pragma once

#include <string>
#include <string_view>

namespace spanscope {

/// The character does something to a terminal or to the order of what stands around it: control characters (C0, DEL,
/// C1) but for newline and tab, and the embeddings, overrides and isolates of bidirectional text, which can make a line
/// read as another.
bool isControlling(char32_t c);

/// For terminals: controlling characters and bytes that are not UTF-8 become \xNN. Newlines and tabs stay, unless
/// oneLine: then a text cannot pretend to be the next message either.
std::string terminalSafe(std::string_view text, bool oneLine = false);

/// The beginning of a text on one line, for messages: at most 80 bytes of it, terminalSafe().
std::string clipped(std::string_view text);

/// terminalSafe() for a JSON text, which stays the same JSON: \uNNNN.
std::string printableJson(std::string_view json);

/// For HTML, SVG and Markdown, in which control characters are not allowed (XML 1.0, 2.2) or mean markup: they and
/// bytes that are not UTF-8 become U+FFFD. Newlines, tabs and carriage returns stay.
std::string withoutControls(std::string_view text);

}  // namespace spanscope
