// Task "sheet": one expression a line, $k is the value of line k, the answer is the last line's value. The formatter
// lowers every line to single operations, so that a sheet of n operations has n in-segments and n steps; $k typed by
// a person counts typed lines, $k in the prompt counts lowered ones.
#pragma once

#include <array>
#include <vector>

#include "engine/tasks/task.h"
#include "engine/training/example.h"

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

/// Lines [first, last] (from 1) of a sheet whose header names nNamed lines. Values come from the whole sheet; every
/// reference of these lines must lie inside the window. Fails where a value leaves int64.
Result<TaskExample> workSheet(const Sheet& sheet, int32_t first, int32_t last, int32_t nNamed);

}  // namespace spanscope
