// The operators of expressions and sheets, in 64-bit integers.
#pragma once

#include <cstdint>
#include <optional>

namespace spanscope {

/// a op b in int64, nullopt if it does not fit or op is unknown. op: '+', '-', '*'.
std::optional<int64_t> applyOperator(int64_t a, char op, int64_t b);

}  // namespace spanscope
