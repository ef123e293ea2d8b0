// Random expressions and sheets: values stay within the limits at every step, by construction.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "engine/tasks/arithmetic.h"
#include "engine/tasks/example.h"
#include "engine/tasks/expression.h"
#include "engine/tasks/sheet.h"

namespace spanscope {

namespace {

/// mt19937_64 with distributions of our own: the standard ones differ between libraries, and a seed must mean the
/// same data everywhere.
class Random {
  public:
    explicit Random(uint64_t seed) : m_engine(seed * 0x9E3779B97F4A7C15ull + 0xD1B54A32D192ED03ull) {}
    int64_t range(int64_t min, int64_t max) {  // inclusive; the modulo's bias is below 2^-40 here
        return min + static_cast<int64_t>(m_engine() % static_cast<uint64_t>(max - min + 1));
    }
    bool chance(int percent) { return range(0, 99) < percent; }

  private:
    std::mt19937_64 m_engine;
};

int64_t literal(Random& random, int64_t maxValue) {
    const int64_t kind = random.range(0, 99);
    int64_t v = 0;
    if (kind < 30) v = random.range(0, 9);
    else if (kind < 75) v = random.range(10, 99);
    else if (kind < 90) v = random.range(100, 999);
    else v = random.range(1000, 9999);
    v = std::min(v, maxValue);
    return random.chance(15) ? -v : v;
}

char chooseOperator(Random& random, int64_t a, int64_t b, int64_t maxValue) {
    auto fits = [&](char op) {
        const auto v = applyOperator(a, op, b);
        return v && std::llabs(*v) <= maxValue;
    };
    if (random.chance(33) && fits('*')) return '*';
    const char first = random.chance(50) ? '+' : '-';
    if (fits(first)) return first;
    return first == '+' ? '-' : '+';  // one of the two always fits
}

class ExpressionSource final : public ExampleSource {
  public:
    ExpressionSource(IntRange operators, uint64_t seed, ArithmeticLimits limits)
        : m_operators(operators), m_random(seed), m_limits(limits) {}

    Result<std::optional<TaskExample>> next() override {
        ExpressionTree tree;
        const int32_t n = static_cast<int32_t>(m_random.range(m_operators.min, m_operators.max));
        tree.root = grow(tree, n).first;
        numberOperators(tree);
        auto example = workExpression(tree);
        if (!example) return example.error();
        return std::optional<TaskExample>(std::move(*example));
    }

  private:
    /// A random tree of n operators: node index and value. Recursion is at most n deep, n is an option's size.
    std::pair<int32_t, int64_t> grow(ExpressionTree& tree, int32_t n) {
        ExpressionNode node;
        if (n == 0) {
            node.value = literal(m_random, m_limits.maxValue);
            tree.nodes.push_back(node);
            return {static_cast<int32_t>(tree.nodes.size()) - 1, node.value};
        }
        const int32_t nLeft = static_cast<int32_t>(m_random.range(0, n - 1));
        const auto [left, a] = grow(tree, nLeft);
        const auto [right, b] = grow(tree, n - 1 - nLeft);
        node.kind = ExpressionNode::Kind::Operator;
        node.op = chooseOperator(m_random, a, b, m_limits.maxValue);
        node.left = left;
        node.right = right;
        tree.nodes.push_back(node);
        return {static_cast<int32_t>(tree.nodes.size()) - 1, *applyOperator(a, node.op, b)};
    }

    IntRange m_operators;
    Random m_random;
    ArithmeticLimits m_limits;
};

class SheetSource final : public ExampleSource {
  public:
    SheetSource(IntRange lines, IntRange windowLines, uint64_t seed, ArithmeticLimits limits)
        : m_lines(lines), m_window(windowLines), m_random(seed), m_limits(limits) {}

    Result<std::optional<TaskExample>> next() override {
        const int32_t nNamed = static_cast<int32_t>(m_random.range(m_lines.min, m_lines.max));
        const bool windowed = m_window.max > 0;
        int32_t first = 1;
        int32_t last = nNamed;
        if (windowed) {
            const int32_t n = std::min(nNamed, static_cast<int32_t>(m_random.range(m_window.min, m_window.max)));
            const int64_t place = m_random.range(0, 99);  // a third begins at 1, a third ends at the last line
            if (place < 33) first = 1;
            else if (place < 66) first = nNamed - n + 1;
            else first = static_cast<int32_t>(m_random.range(1, nNamed - n + 1));
            last = first + n - 1;
        }
        Sheet sheet(static_cast<size_t>(last));
        std::vector<int64_t> values(static_cast<size_t>(last), 0);
        for (int32_t k = first; k <= last; ++k) {
            SheetLine& line = sheet[static_cast<size_t>(k - 1)];
            const int64_t shape = k == first ? 99 : m_random.range(0, k == last ? 79 : 99);
            const bool leftLine = shape < 55;
            const bool rightLine = shape < 25 || (shape >= 55 && shape < 80);
            const int64_t a = operand(line.left, leftLine, first, k, values);
            const int64_t b = operand(line.right, rightLine, first, k, values);
            line.op = chooseOperator(m_random, a, b, m_limits.maxValue);
            values[static_cast<size_t>(k - 1)] = *applyOperator(a, line.op, b);
        }
        auto example = workSheet(sheet, first, last, nNamed);
        if (!example) return example.error();
        if (windowed) {
            // The first label cannot be known unless it is 1; what follows an early end teaches not to stop.
            if (first > 1) example->noLossBytes = ("<out>" + std::to_string(first)).size();
            if (last < nNamed) {
                example->complete = false;
                example->response += "<out>" + std::to_string(last + 1) + "<:>";
            }
        }
        return std::optional<TaskExample>(std::move(*example));
    }

  private:
    int64_t operand(SheetOperand& o, bool isLine, int32_t first, int32_t k, const std::vector<int64_t>& values) {
        if (!isLine) {
            o = {false, literal(m_random, m_limits.maxValue)};
            return o.value;
        }
        // Half of the references reach anywhere back, half stay near.
        const int32_t near = std::max(first, k - 8);
        o = {true, m_random.chance(50) ? m_random.range(first, k - 1) : m_random.range(near, k - 1)};
        return values[static_cast<size_t>(o.value - 1)];
    }

    IntRange m_lines, m_window;
    Random m_random;
    ArithmeticLimits m_limits;
};

}  // namespace

std::unique_ptr<ExampleSource> makeExpressionSource(IntRange operators, uint64_t seed, ArithmeticLimits limits) {
    return std::make_unique<ExpressionSource>(operators, seed, limits);
}

std::unique_ptr<ExampleSource> makeSheetSource(IntRange lines, IntRange windowLines, uint64_t seed, ArithmeticLimits limits) {
    return std::make_unique<SheetSource>(lines, windowLines, seed, limits);
}

}  // namespace spanscope
