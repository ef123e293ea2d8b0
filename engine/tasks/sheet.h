// Task "sheet": one expression a line, $k is the value of line k, the answer is the last line's value. The formatter
// lowers every line to single operations, so that a sheet of n operations has n in-segments and n steps; $k typed by
// a person counts typed lines, $k in the prompt counts lowered ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/tasks/expression.h"
#include "engine/tasks/task.h"

namespace spanscope {

const Task& sheetTask();

/// One operation of a lowered sheet: operands are literals or values of earlier lines.
struct SheetOperand {
    bool isLine = false;
    int64_t value = 0;  ///< literal, or line number from 1
};
struct SheetLine {
    SheetOperand left;
    char op = '+';
    SheetOperand right;
};
using Sheet = std::vector<SheetLine>;

/// InvalidArgument with "line L, column N: ...". Empty lines are skipped.
Result<Sheet> parseSheet(const std::string& typed);

/// As typed and as it stands in a prompt: "$1*3".
std::string sheetLineText(const SheetLine& line);

/// Protocol text of lines [first, last] (from 1) under a header that names nNamed lines.
std::string sheetPrompt(const Sheet& sheet, int32_t first, int32_t last, int32_t nNamed);

/// Values of all lines; nullopt where int64 does not hold one. `range` as in evaluateExpression().
std::optional<std::vector<int64_t>> evaluateSheet(const Sheet& sheet, EvaluationRange& range);

}  // namespace spanscope
