#include "engine/tasks/arithmetic.h"

namespace spanscope {

std::optional<int64_t> applyOperator(int64_t a, char op, int64_t b) {
    int64_t r = 0;
    bool overflow = true;
    if (op == '+') overflow = __builtin_add_overflow(a, b, &r);
    if (op == '-') overflow = __builtin_sub_overflow(a, b, &r);
    if (op == '*') overflow = __builtin_mul_overflow(a, b, &r);
    if (overflow) return std::nullopt;
    return r;
}

}  // namespace spanscope
