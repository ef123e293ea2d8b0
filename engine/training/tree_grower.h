// Random expression trees of a given shape, whose value and steps stay within the limit by construction: each part is
// grown inside the range that its place leaves open.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/tasks/expression_tree.h"
#include "engine/training/numbers.h"

namespace spanscope {

enum class TreeShape : uint8_t {
    Flat,      ///< a sum of terms, each a number or a product of numbers: 12+7*3-4
    Left,      ///< every right operand a number: ((1+2)*3)-4
    Right,     ///< every left operand a number: 1-(2-(3-4))
    Balanced,  ///< operands of equal size
    Comb,      ///< left and right by turns
    Random,
};
inline constexpr TreeShape kTreeShapes[] = {TreeShape::Flat,     TreeShape::Left, TreeShape::Right,
                                            TreeShape::Balanced, TreeShape::Comb, TreeShape::Random};
const char* treeShapeName(TreeShape shape);

/// Values of the lines of a sheet that an operand may name instead of a number.
struct EarlierLines {
    std::vector<int64_t> values;  ///< of line 1, 2, ... as typed
    int percent = 0;              ///< of the operands
};

class TreeGrower {
  public:
    /// lines may be nullptr.
    TreeGrower(Random& random, NumberSource& numbers, TreeShape shape, const EarlierLines* lines)
        : m_random(random), m_numbers(numbers), m_shape(shape), m_lines(lines) {}

    /// nOperators >= 1. Recursion is at most nOperators deep.
    ExpressionTree grow(int32_t nOperators);
    int64_t value() const { return m_value; }  ///< of the last tree

  private:
    struct Place {
        int32_t depth = 0;
        bool inProduct = false;  ///< Flat: part of a term
    };
    struct Grown {
        int32_t node = -1;
        int64_t value = 0;
    };
    struct Split {
        char op = '+';
        int32_t left = 0, right = 0;  ///< operators of either operand
    };

    Grown part(ExpressionTree& tree, int32_t n, Place place, ValueRange range);
    Grown operation(ExpressionTree& tree, const Split& split, Place place, ValueRange range);
    Split split(int32_t n, Place place);
    char additive();
    int64_t operand(ExpressionTree& tree, int32_t node, ValueRange range, int64_t literal);
    std::optional<int32_t> lineWithin(ValueRange range);

    Random& m_random;
    NumberSource& m_numbers;
    TreeShape m_shape;
    const EarlierLines* m_lines;
    int m_lean = 0;  ///< Random: 0 evenly split, 1 mostly to the left, 2 mostly to the right
    int64_t m_value = 0;
};

}  // namespace spanscope
