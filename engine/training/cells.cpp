#include "engine/training/cells.h"

#include <algorithm>

#include "engine/training/tree_grower.h"

namespace spanscope {

namespace {

std::string rangeText(IntRange r) { return std::to_string(r.min) + (r.max > r.min ? "-" + std::to_string(r.max) : ""); }

bool isStructure(const std::string& name) {
    return std::any_of(std::begin(kTreeShapes), std::end(kTreeShapes),
                       [&](TreeShape s) { return name == treeShapeName(s); });
}

}  // namespace

std::string ProblemCell::sizeText() const {
    return rangeText(size) + (task == "sheet" ? " line" : " operator") + (size.max == 1 ? "" : "s");
}
std::string ProblemCell::digitsText() const { return rangeText(shape.digits); }

std::vector<ProblemCell> arithmeticCells(const std::string& task, int32_t mostOperators, int32_t mostLines) {
    const int32_t operators = mostOperators > 0 ? mostOperators : 24, lines = mostLines > 0 ? mostLines : 100;
    std::vector<ProblemCell> cells;
    auto add = [&](const std::string& shape, IntRange size, IntRange digits) {
        const int32_t most = task == "sheet" ? lines : operators;
        size.max = std::min(size.max, most);
        if (size.min <= size.max) cells.push_back({task, {shape, digits}, size, task == "sheet" && size.max > 16});
    };
    if (task == "expression") {
        for (const std::string& shape : expressionShapes()) {
            if (isStructure(shape)) {
                for (const IntRange size : {IntRange{2, 4}, {5, 9}, {10, 16}, {17, 24}})
                    for (const IntRange digits : {IntRange{1, 2}, {3, 4}}) add(shape, size, digits);
            } else {  // what the numbers and operators are: digit by digit with one operator, then in any structure
                for (int32_t d = 1; d <= 4; ++d) add(shape, {1, 1}, {d, d});
                for (const IntRange size : {IntRange{2, 9}, {10, 24}}) add(shape, size, {1, 4});
            }
        }
    } else if (task == "sheet") {
        for (const std::string& shape : sheetShapes())
            for (const IntRange size : {IntRange{1, 4}, {5, 16}, {17, 40}, {41, 64}, {65, 100}})
                add(shape, size, {1, 4});
    }
    return cells;
}

std::unique_ptr<ExampleSource> makeCellSource(const ProblemCell& cell, uint64_t seed) {
    return cell.task == "sheet" ? makeSheetSource(cell.size, {0, 0}, seed, cell.shape)
                                : makeExpressionSource(cell.size, seed, cell.shape);
}

}  // namespace spanscope
