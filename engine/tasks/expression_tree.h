// Arithmetic that people type, as a tree: integers, + - * with the usual precedence, parentheses, unary minus and,
// on sheets, $k. Spaces and the typographic signs (minus, multiplication, middle dot) are accepted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

struct ExpressionNode {
    enum class Kind : uint8_t { Literal, Line, Operator };
    Kind kind = Kind::Literal;
    int64_t value = 0;  ///< literal, or line number k of $k
    char op = 0;        ///< '+', '-', '*'
    int32_t left = -1, right = -1;
    int32_t column = 0;  ///< lines: where the $ stands, in characters from 1
    int32_t label = 0;   ///< operators: number from 1 in the order in which they are worked out
};

struct ExpressionTree {
    std::vector<ExpressionNode> nodes;  ///< children before parents, all of the left operand before the right one's
    int32_t root = -1;
    int32_t nOperators = 0;
    const ExpressionNode& node(int32_t i) const { return nodes[static_cast<size_t>(i)]; }
};

/// InvalidArgument with "column N: ..." (columns count characters from 1). allowLines: $k may stand. A lone operand
/// becomes `operand + 0`, so that there is always a step; -(...) becomes 0 - (...).
Result<ExpressionTree> parseExpression(std::string_view text, bool allowLines);

/// Numbers the operators from 1 in the order in which they are worked out: left operand, right operand, operation. That
/// is the order of the nodes.
void numberOperators(ExpressionTree& tree);

/// Every operation that is an operand stands in parentheses; with numbers, "@n" before each operator.
std::string printExpression(const ExpressionTree& tree, bool withNumbers);

/// As a person types it: no parentheses but those that are needed, and -(...) for 0 - (...). Reads back as the same
/// tree.
std::string printTyped(const ExpressionTree& tree);

}  // namespace spanscope
