// Long arithmetic as the bundled model writes it after <local>: digit by digit, from the least significant one,
// so that every token can be worked out from a handful of tokens before it.
//
//   work     := "+" sign column+ "=" value            the magnitudes are added
//             | "-" compare sign column+ "=" value    the smaller magnitude is subtracted from the larger
//             | "*" sign block+ "=" value             the magnitudes are multiplied
//   sign     := "+" | "-"      of the result; "+" for zero
//   compare  := (digit digit)+ digits of the left and of the right magnitude from the highest place on, to the first
//   pair
//                              that differs or, for equal ones, to the last; a missing digit is 0
//   column   := `x y r c`      a digit of both, result digit, carry or borrow. Adding: x of the left operand;
//   subtracting:
//                              x of the larger one
//   block    := x is the operand with more digits (the left one if equal). For each digit m of the other, columns
//               `x m r c`, blocks after the first opened by "*"; after each of those "+" and the columns that add its
//               partial product, shifted, to the sum so far.
// Added or subtracted is decided by the signs as they are written, "-" before the right operand turned around for a
// subtraction; zero is written without a sign. So every token follows from what stands before it: which magnitude is
// larger has been compared digit by digit before the sign of a difference is needed.
#pragma once

#include <cstdint>
#include <string>

namespace spanscope {

/// The work of `a op b` from sign to value, e.g. "-38-8350=-5". op: '+', '-', '*'. Requires that the result fits.
std::string writeWork(int64_t a, char op, int64_t b);

}  // namespace spanscope
