// The one reader of JSON from outside: configurations, cards, safetensors headers, traces, datasets. Strict, linear in
// the text, bounded in depth and in values. Include in .cpp files only (json.hpp is slow to compile).
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spanscope {

struct JsonLimits {
    size_t maxDepth = 64;         ///< levels of arrays and objects
    size_t maxValues = SIZE_MAX;  ///< values, keys and containers together; a value takes some 100 bytes of memory
};

/// Why a text was refused.
struct JsonProblem {
    std::string message;  ///< "key given twice"
    size_t byte = 0;      ///< offset from the start of the text; the text's size where it ends too early
    std::string key;      ///< the key given twice, as written; may be anything
};

/// Exactly one JSON value. Empty, and `problem` filled in, for: anything that is not JSON or not UTF-8, text after the
/// value, a NUL byte, a key given twice in one object, too many levels or values. Never throws but for lack of memory.
std::optional<nlohmann::json> readJson(std::string_view text, JsonProblem& problem, JsonLimits limits = {});

}  // namespace spanscope
