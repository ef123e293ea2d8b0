// Worked problems of arithmetic: the prompt that a task formats, the response that the model should write, the answer.
// Pure functions; any thread.
#pragma once

#include <cstdint>

#include "engine/tasks/expression_tree.h"
#include "engine/tasks/sheet.h"
#include "engine/training/example.h"

namespace spanscope {

/// InvalidArgument: a value leaves int64.
Result<TaskExample> workExpression(const ExpressionTree& tree);

/// Lines [first, last] (from 1) of a sheet whose header names nNamed lines. Values come from the whole sheet; every
/// reference of these lines must lie inside the window. InvalidArgument: a value leaves int64.
Result<TaskExample> workSheet(const Sheet& sheet, int32_t first, int32_t last, int32_t nNamed);

}  // namespace spanscope
