// Long arithmetic as the bundled model writes it after <local>: digit by digit, from the least significant one,
// so that every token can be worked out from a handful of tokens before it.
//
//   work  := sign mode columns "=" value
//   sign  := "+" | "-"            of the result; "+" for zero
//   mode  := "+" | "-" | "*"      add magnitudes; subtract magnitudes, larger first; multiply
//   add, subtract: one column `x y r c` a digit (digits of both, result digit, carry or borrow)
//   multiply: x is the operand with more digits (the left one if equal). For each digit m of the other, a block of
//             columns `x m r c`, blocks after the first opened by "*"; after each of those "+" and the columns that
//             add its partial product, shifted, to the sum so far.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace spanscope {

/// a op b in int64, nullopt if it does not fit or op is unknown. op: '+', '-', '*'.
std::optional<int64_t> applyOperator(int64_t a, char op, int64_t b);

/// The work of `a op b` from sign to value, e.g. "--8350=-5". Requires that the result fits.
std::string writeWork(int64_t a, char op, int64_t b);

}  // namespace spanscope
