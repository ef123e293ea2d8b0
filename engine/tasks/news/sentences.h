// Where the sentences of an article are: ICU's boundary analysis, corrected by tables of what newswire writes
// with a full stop and does not end a sentence (and where it ends one that ICU misses). Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

/// Bytes [begin, end) of the text, without white space at either end; never empty.
struct TextSpan {
    size_t begin = 0, end = 0;
    bool operator==(const TextSpan&) const = default;
};

/// Lossless: spans ascend, and everything between them is white space or control characters. A line end is a
/// sentence end unless the text looks hard-wrapped (short lines that mostly stop in mid-sentence); an empty line
/// always is. Format with the byte offset if the text is not UTF-8.
Result<std::vector<TextSpan>> splitSentences(std::string_view text);

/// Line ends, tabs and runs of spaces become one space; control characters and U+FFFC-like fillers go.
std::string oneLine(std::string_view text);

/// Byte offset of the first byte that is not valid UTF-8, npos if all is well.
size_t invalidUtf8(std::string_view text);

}  // namespace spanscope
