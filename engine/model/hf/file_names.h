// Names that a file gives for other files. Private to engine/model.
#pragma once

#include <string_view>

namespace spanscope {

/// A name inside the same folder: no separators, not "." or "..", nothing invisible.
inline bool isPlainFileName(std::string_view name) {
    if (name.empty() || name.size() > 255 || name == "." || name == "..") return false;
    for (const char c : name)
        if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
    return true;
}

}  // namespace spanscope
