// Task "expression": one arithmetic expression. Its operators are numbered as they are worked out; each becomes one
// out-segment that declares the steps whose values it needs, in the order in which they can be worked out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/tasks/expression_tree.h"
#include "engine/tasks/task.h"

namespace spanscope {

const Task& expressionTask();

/// Of expressions and sheets, which have a byte or two to a token.
inline constexpr PromptBounds kArithmeticBounds{.bytesPerToken = 16, .memoryPerByte = 1024};

/// What follows the last "=" of a response; empty if there is none.
std::string lastValue(const std::string& responseText);

/// Largest absolute values of an evaluation.
struct EvaluationRange {
    int64_t largestLiteral = 0;
    int64_t largestValue = 0;
    int64_t largestFactor = 0;  ///< the smaller operand of a product: the multiplier
    void see(int64_t v);
    void seeLiteral(int64_t v);
    void seeProduct(int64_t a, int64_t b);
};

/// Values of all nodes, in their order; nullopt where int64 does not hold one. `range` then lacks values and factors
/// from there on, but no literal.
std::optional<std::vector<int64_t>> evaluateExpression(const ExpressionTree& tree, EvaluationRange& range);

/// Adds to `warning` a sentence on values or factors beyond what the model was trained for. fits: int64 holds them.
void warnOfRange(std::string& warning, const TaskCard& card, bool fits, const EvaluationRange& range);

/// Fills in the exact answer of the formatted problem, or why there is none. task: its name.
void setExactAnswer(FormattedPrompt& prompt, std::string_view task);

}  // namespace spanscope
