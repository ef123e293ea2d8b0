#include "engine/training/tree_grower.h"

#include <algorithm>

#include "engine/tasks/arithmetic.h"

namespace spanscope {

namespace {

using Kind = ExpressionNode::Kind;

ValueRange both(ValueRange a, ValueRange b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }
bool empty(ValueRange r) { return r.min > r.max; }

/// What x may be so that `x op y` (or `y op x`) can come out in `results` for some y of `others`.
ValueRange reachable(char op, bool xIsLeft, ValueRange results, ValueRange others) {
    if (op == '+') return {results.min - others.max, results.max - others.min};
    if (xIsLeft) return {results.min + others.min, results.max + others.max};
    return {others.min - results.max, others.max - results.min};
}

}  // namespace

const char* treeShapeName(TreeShape shape) {
    switch (shape) {
        case TreeShape::Flat: return "flat";
        case TreeShape::Left: return "left";
        case TreeShape::Right: return "right";
        case TreeShape::Balanced: return "balanced";
        case TreeShape::Comb: return "comb";
        case TreeShape::Random: return "random";
    }
    return "";
}

ExpressionTree TreeGrower::grow(int32_t nOperators) {
    m_lean = static_cast<int>(m_random.range(0, 3));
    ExpressionTree tree;
    const Grown root =
        part(tree, nOperators, {static_cast<int32_t>(m_random.range(0, 1)), false}, m_numbers.everything());
    tree.root = root.node;
    m_value = root.value;
    numberOperators(tree);
    return tree;
}

char TreeGrower::additive() {
    const std::string_view allowed = m_numbers.style().operators;
    const bool plus = allowed.find('+') != std::string_view::npos, minus = allowed.find('-') != std::string_view::npos;
    if (plus != minus) return plus ? '+' : '-';
    return m_random.chance(50) ? '+' : '-';
}

TreeGrower::Split TreeGrower::split(int32_t n, Place place) {
    Split s;
    s.op = m_numbers.oneOperator();
    const int32_t rest = n - 1;
    switch (m_shape) {
        case TreeShape::Flat: {
            if (place.inProduct) {
                s.op = '*';
                s.left = rest;
                break;
            }
            const bool products = m_numbers.style().operators.find('*') != std::string_view::npos;
            const auto term =
                products ? static_cast<int32_t>(std::min<int64_t>(rest, m_random.pick(std::vector<int>{0, 0, 1, 1, 2})))
                         : 0;
            s.op = additive();
            s.right = term;
            s.left = rest - term;
            break;
        }
        case TreeShape::Left: s.left = rest; break;
        case TreeShape::Right: break;
        case TreeShape::Balanced: s.left = (rest + (m_random.chance(50) ? 1 : 0)) / 2; break;
        case TreeShape::Comb: s.left = place.depth % 2 == 0 ? rest : 0; break;
        case TreeShape::Random: {
            const int64_t kind = m_lean == 0 || m_lean == 3 ? 99 : m_random.range(0, 99);
            if (kind < 80) s.left = (m_lean == 1) == (kind < 65) ? rest : 0;
            else s.left = static_cast<int32_t>(m_random.range(0, rest));
            break;
        }
    }
    if (m_shape != TreeShape::Flat) s.right = rest - s.left;
    return s;
}

TreeGrower::Grown TreeGrower::part(ExpressionTree& tree, int32_t n, Place place, ValueRange range) {
    if (n == 0) {
        const auto node = static_cast<int32_t>(tree.nodes.size());
        tree.nodes.emplace_back();
        return {node, operand(tree, node, range, m_numbers.literal(range))};
    }
    Split s = split(n, place);
    ++place.depth;
    if (n > 1 && m_shape != TreeShape::Flat && m_random.chance(m_numbers.style().minus)) {  // -(...)
        const auto zero = static_cast<int32_t>(tree.nodes.size());
        tree.nodes.emplace_back();
        const Grown inner = part(tree, n - 1, place, {-range.max, -range.min});
        ExpressionNode node;
        node.kind = Kind::Operator;
        node.op = '-';
        node.left = zero;
        node.right = inner.node;
        tree.nodes.push_back(node);
        return {static_cast<int32_t>(tree.nodes.size()) - 1, -inner.value};
    }
    if (s.op == '*' && !range.has(0)) s.op = m_random.chance(50) ? '+' : '-';
    return operation(tree, s, place, range);
}

TreeGrower::Grown TreeGrower::operation(ExpressionTree& tree, const Split& s, Place place, ValueRange range) {
    const ValueRange all = m_numbers.everything();
    Place leftPlace = place, rightPlace = place;
    if (m_shape == TreeShape::Flat) {  // the last of the spine may be a product itself
        rightPlace.inProduct = true;
        leftPlace.inProduct = place.inProduct || (s.op != '*' && s.left > 0 && s.left <= 2 && m_random.chance(40) &&
                                                  m_numbers.style().operators.find('*') != std::string_view::npos);
    }
    Grown a, b;
    const bool leftIsNumber = s.left == 0, rightIsNumber = s.right == 0;
    // The operand grown first has what the other can still make up for; a number is chosen last, to suit.
    const bool rightFirst = leftIsNumber && (!rightIsNumber || m_random.chance(50));
    if (leftIsNumber && rightFirst) {
        a.node = static_cast<int32_t>(tree.nodes.size());  // its place among the nodes is before the right operand's
        tree.nodes.emplace_back();
    }
    Grown& first = rightFirst ? b : a;
    Grown& second = rightFirst ? a : b;
    const bool numberLast = rightFirst || rightIsNumber;
    ValueRange firstRange;
    if (s.op == '*') {
        const int64_t most = m_numbers.firstFactor(range);
        firstRange = {-most, most};
    } else {
        firstRange = both(reachable(s.op, !rightFirst, range, numberLast ? m_numbers.literals() : all), all);
        if (empty(firstRange)) firstRange = both(reachable(s.op, !rightFirst, range, all), all);
    }
    first = part(tree, rightFirst ? s.right : s.left, rightFirst ? rightPlace : leftPlace, firstRange);
    if (numberLast) {
        if (!rightFirst) {
            second.node = static_cast<int32_t>(tree.nodes.size());
            tree.nodes.emplace_back();
        }
        const bool numberIsLeft = rightFirst;
        const int64_t literal = s.op == '*' ? m_numbers.factor(first.value, range)
                                            : m_numbers.addend(first.value, s.op, numberIsLeft, range);
        const ValueRange fitting = s.op == '*'
                                       ? factorsWithin(first.value, range, all.max)
                                       : both(reachable(s.op, numberIsLeft, range, {first.value, first.value}), all);
        second.value = operand(tree, second.node, fitting, literal);
    } else {
        ValueRange secondRange = s.op == '*' ? factorsWithin(first.value, range, all.max)
                                             : both(reachable(s.op, false, range, {first.value, first.value}), all);
        if (s.op != '*' && m_random.chance(m_numbers.style().close)) {
            const int64_t same = s.op == '-' ? first.value : -first.value;
            const ValueRange near = both(secondRange, {same - 9, same + 9});
            if (!empty(near)) secondRange = near;
        }
        second = part(tree, s.right, rightPlace, secondRange);
    }
    ExpressionNode node;
    node.kind = Kind::Operator;
    node.op = s.op;
    node.left = a.node;
    node.right = b.node;
    tree.nodes.push_back(node);
    return {static_cast<int32_t>(tree.nodes.size()) - 1, *applyOperator(a.value, s.op, b.value)};
}

/// Makes the node a line's name where one fits, else the literal; returns its value.
int64_t TreeGrower::operand(ExpressionTree& tree, int32_t node, ValueRange range, int64_t literal) {
    ExpressionNode& n = tree.nodes[static_cast<size_t>(node)];
    if (const auto line = lineWithin(range)) {
        n.kind = Kind::Line;
        n.value = *line;
        return m_lines->values[static_cast<size_t>(*line - 1)];
    }
    n.value = literal;
    return literal;
}

std::optional<int32_t> TreeGrower::lineWithin(ValueRange range) {
    if (!m_lines || m_lines->values.empty() || !m_random.chance(m_lines->percent)) return std::nullopt;
    const auto n = static_cast<int64_t>(m_lines->values.size());
    for (int i = 0; i < 4; ++i) {
        const int64_t line =
            m_random.chance(50) ? m_random.range(1, n) : m_random.range(std::max<int64_t>(1, n - 3), n);
        if (range.has(m_lines->values[static_cast<size_t>(line - 1)])) return static_cast<int32_t>(line);
    }
    return std::nullopt;
}

}  // namespace spanscope
