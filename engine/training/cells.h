// The table by which a model of arithmetic is judged: shape x size x digits over the whole space that the limits
// promise.
#pragma once

#include <string>
#include <vector>

#include "engine/training/example.h"

namespace spanscope {

struct ProblemCell {
    std::string task;  ///< "expression" or "sheet"
    ProblemShape shape;
    IntRange size;                   ///< operators or lines
    bool isLong = false;             ///< sheets of more than 16 lines: thousands of tokens each
    std::string sizeText() const;    ///< "5-9 operators"
    std::string digitsText() const;  ///< "3-4"
};

/// Every cell of the task inside these limits; 0 = 24 operators, 100 lines. Empty for other tasks.
std::vector<ProblemCell> arithmeticCells(const std::string& task, int32_t mostOperators, int32_t mostLines);

/// Problems of a cell; never nullptr.
std::unique_ptr<ExampleSource> makeCellSource(const ProblemCell& cell, uint64_t seed);

}  // namespace spanscope
