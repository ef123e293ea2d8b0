// Numbers and operators of the protocol's ASCII as a book prints them. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace spanscope {

/// "+", "−", "×"; others as they are.
inline std::string plainOperator(char op) { return op == '-' ? "\u2212" : op == '*' ? "\u00d7" : std::string(1, op); }

/// "-5" as "−5".
inline std::string plainNumber(std::string_view number) {
    return number.starts_with('-') ? "\u2212" + std::string(number.substr(1)) : std::string(number);
}

/// "19 × −5"
inline std::string plainOperation(std::string_view left, char op, std::string_view right) {
    return plainNumber(left) + ' ' + plainOperator(op) + ' ' + plainNumber(right);
}

}  // namespace spanscope
