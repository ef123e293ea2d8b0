// Building the Error of a file reader: clipped, printable, with file, field, found and expected.
// Private to engine/model.
#pragma once

#include <string>
#include <string_view>

#include "engine/types/result.h"

namespace spanscope {

/// At most 80 bytes, control characters and what is not UTF-8 replaced: names in hostile files end up in messages.
std::string printable(std::string_view text);

inline Error fileError(ErrorCode code, std::string message, const std::string& file, std::string_view field = {},
                       std::string_view found = {}, std::string_view expected = {}) {
    return Error{code, std::move(message), file, printable(field), printable(found), std::string(expected)};
}

}  // namespace spanscope
