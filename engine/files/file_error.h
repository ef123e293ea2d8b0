// Building the Error of a file reader: clipped, printable, with file, field, found and expected.
// Private to engine/model.
#pragma once

#include <string>
#include <string_view>

#include "engine/files/safe_text.h"
#include "kernels/result.h"

namespace spanscope {

inline Error fileError(ErrorCode code, std::string message, const std::string& file, std::string_view field = {},
                       std::string_view found = {}, std::string_view expected = {}) {
    return Error{code, std::move(message), file, clipped(field), clipped(found), std::string(expected)};
}

}  // namespace spanscope
