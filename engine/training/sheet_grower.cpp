// Random sheets: values stay within the limits at every line, by construction.
#include <algorithm>
#include <cstdlib>

#include "engine/tasks/arithmetic.h"
#include "engine/tasks/sheet.h"
#include "engine/training/example.h"
#include "engine/training/tree_grower.h"
#include "engine/training/worked.h"

namespace spanscope {

namespace {

enum class SheetShape : uint8_t { Literals, Chain, First, Near, Far, FanIn, Duplicates, References, Mixed, Typed };

struct NamedSheet {
    const char* name;
    SheetShape shape;
};
constexpr NamedSheet kSheets[] = {
    {"literals", SheetShape::Literals},      // no line names another
    {"chain", SheetShape::Chain},            // every line names the one before
    {"first", SheetShape::First},            // every line names the first
    {"near", SheetShape::Near},              // lines name some of the last eight
    {"far", SheetShape::Far},                // lines name any earlier ones
    {"fan-in", SheetShape::FanIn},           // numbers first, then lines that join two until one is left
    {"duplicates", SheetShape::Duplicates},  // lines that stand there already: some, most, all
    {"references", SheetShape::References},  // no numbers after the second line
    {"mixed", SheetShape::Mixed},            // all of these, line by line
    {"typed", SheetShape::Typed},            // as people type: several operations in a line, parentheses
};

/// Lines [first, last] of a sheet.
class SheetGrower {
  public:
    SheetGrower(Random& random, NumberSource& numbers, SheetShape shape, int32_t first, int32_t last, int32_t limit)
        : m_random(random),
          m_numbers(numbers),
          m_shape(shape),
          m_first(first),
          m_last(last),
          m_limit(limit),
          m_sheet(static_cast<size_t>(last)),
          m_values(static_cast<size_t>(last), 0) {}

    Sheet grow() {
        for (int32_t k = m_first; k <= m_last; ++k) {
            SheetLine& line = m_sheet[static_cast<size_t>(k - 1)];
            line = grownLine(k);
            m_values[static_cast<size_t>(k - 1)] = *applyOperator(valueOf(line.left), line.op, valueOf(line.right));
        }
        return std::move(m_sheet);
    }

  private:
    int64_t valueOf(const SheetOperand& o) const {
        return o.isLine ? m_values[static_cast<size_t>(o.value - 1)] : o.value;
    }
    int64_t anyBefore(int32_t k) { return m_random.range(m_first, k - 1); }
    int64_t nearBefore(int32_t k) { return m_random.range(std::max(m_first, k - 8), k - 1); }
    static SheetOperand lineRef(int64_t k) { return {true, k}; }

    SheetLine grownLine(int32_t k) {
        if (k == m_first) return ofNumbers();
        SheetShape shape = m_shape;
        if (shape == SheetShape::Mixed)
            shape = m_random.pick(std::vector<SheetShape>{
                SheetShape::Literals, SheetShape::Chain, SheetShape::First, SheetShape::Near, SheetShape::Near,
                SheetShape::Far, SheetShape::Far, SheetShape::Duplicates, SheetShape::References});
        switch (shape) {
            case SheetShape::Chain:
                return m_random.chance(10) ? ofLines(lineRef(k - 1), lineRef(anyBefore(k)))
                                           : withNumber(lineRef(k - 1));
            case SheetShape::First:
                return m_random.chance(15) ? ofLines(lineRef(m_first), lineRef(anyBefore(k)))
                                           : withNumber(lineRef(m_first));
            case SheetShape::Near: return oneOrTwo(nearBefore(k), nearBefore(k));
            case SheetShape::Far: return oneOrTwo(anyBefore(k), anyBefore(k));
            case SheetShape::FanIn: return joined(k);
            case SheetShape::Duplicates: return duplicate(k);
            case SheetShape::References:
                return k == m_first + 1
                           ? ofNumbers()
                           : ofLines(lineRef(anyBefore(k)), lineRef(m_random.chance(30) ? k - 1 : anyBefore(k)));
            default: return ofNumbers();
        }
    }

    SheetLine oneOrTwo(int64_t a, int64_t b) {
        return m_random.chance(40) ? ofLines(lineRef(a), lineRef(b)) : withNumber(lineRef(a));
    }

    SheetLine joined(int32_t k) {
        // Numbers in the first half; then each line takes the two that have waited longest, or a running total.
        const int32_t n = m_last - m_first + 1;
        if (m_waiting.empty() && !m_joining) {
            for (int32_t line = m_first; line < k; ++line) m_waiting.push_back(line);
            m_total = m_random.chance(50);
        }
        if (k - m_first < (n + 1) / 2) {
            m_waiting.push_back(k);
            return ofNumbers();
        }
        m_joining = true;
        if (m_waiting.size() < 2) {
            const int64_t only = m_waiting.empty() ? k - 1 : m_waiting.front();
            m_waiting.assign(1, k);
            return withNumber(lineRef(only));
        }
        const int64_t a = m_waiting[0], b = m_waiting[1];
        m_waiting.erase(m_waiting.begin(), m_waiting.begin() + 2);
        m_waiting.insert(m_total ? m_waiting.begin() : m_waiting.end(), k);
        return ofLines(lineRef(a), lineRef(b));
    }

    SheetLine duplicate(int32_t k) {
        const bool second =
            k == m_first + 1 && m_copies == 100 && m_random.chance(50);  // else all would be the first line
        if (m_random.chance(m_copies) && !second)
            return m_sheet[static_cast<size_t>(m_random.chance(30) ? k - 2 : anyBefore(k) - 1)];
        if (m_random.chance(25)) {
            const SheetOperand same = lineRef(anyBefore(k));
            return ofLines(same, same);
        }
        return m_random.chance(40) ? ofNumbers() : oneOrTwo(anyBefore(k), anyBefore(k));
    }

    SheetLine ofLines(SheetOperand a, SheetOperand b) {
        if (m_random.chance(50)) std::swap(a, b);
        auto fits = [&](char op) { return std::llabs(*applyOperator(valueOf(a), op, valueOf(b))) <= m_limit; };
        char op = m_numbers.oneOperator();
        if (!fits(op)) op = fits('+') && (!fits('-') || m_random.chance(50)) ? '+' : '-';  // one of the two always fits
        return {a, op, b};
    }

    SheetLine withNumber(const SheetOperand& line) {
        const int64_t value = valueOf(line);
        const char op = m_numbers.oneOperator();
        const bool numberIsLeft = m_random.chance(30);
        const int64_t number = op == '*' ? m_numbers.factor(value, m_numbers.everything())
                                         : m_numbers.addend(value, op, numberIsLeft, m_numbers.everything());
        const SheetOperand literal{false, number};
        return numberIsLeft ? SheetLine{literal, op, line} : SheetLine{line, op, literal};
    }

    SheetLine ofNumbers() {
        const char op = m_numbers.oneOperator();
        const ValueRange all = m_numbers.everything();
        if (op == '*') {
            const int64_t most = m_numbers.firstFactor(all);
            SheetOperand a{false, m_numbers.literal({-most, most})};
            SheetOperand b{false, m_numbers.factor(a.value, all)};
            if (m_random.chance(50)) std::swap(a, b);
            return {a, op, b};
        }
        const SheetOperand a{false, m_numbers.literal(all)};
        return {a, op, {false, m_numbers.addend(a.value, op, false, all)}};
    }

    Random& m_random;
    NumberSource& m_numbers;
    SheetShape m_shape;
    int32_t m_first, m_last, m_limit;
    Sheet m_sheet;
    std::vector<int64_t> m_values;
    std::vector<int64_t> m_waiting;  ///< lines that no later one has joined
    bool m_joining = false, m_total = false;
    int m_copies = m_random.pick(std::vector<int>{30, 50, 50, 80, 100});  ///< percent of lines that stand there already
};

class SheetSource final : public ExampleSource {
  public:
    SheetSource(IntRange lines, IntRange windowLines, uint64_t seed, const ProblemShape& shape,
                std::optional<SheetShape> kind)
        : m_lines(lines), m_window(windowLines), m_random(seed), m_shape(shape), m_kind(kind) {}

    Result<std::optional<TaskExample>> next() override {
        const auto nNamed = static_cast<int32_t>(m_random.range(m_lines.min, m_lines.max));
        const bool windowed = m_window.max > 0;
        const NumberStyle style = NumberStyle::draw(m_random, m_shape.digits.min, m_shape.digits.max);
        NumberSource numbers(m_random, style, m_shape.maxValue);
        const size_t nKinds = std::size(kSheets) - (windowed ? 1 : 0);  // the last is for whole sheets
        const SheetShape kind =
            m_kind ? *m_kind : kSheets[static_cast<size_t>(m_random.range(0, static_cast<int64_t>(nKinds) - 1))].shape;
        if (kind == SheetShape::Typed) return typedSheet(nNamed, numbers);
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
        auto example =
            workSheet(SheetGrower(m_random, numbers, kind, first, last, m_shape.maxValue).grow(), first, last, nNamed);
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
    Result<std::optional<TaskExample>> typedSheet(int32_t nOperations, NumberSource& numbers) {
        EarlierLines lines;
        lines.percent = static_cast<int>(m_random.range(10, 70));
        std::string typed;
        const int64_t longest = m_random.chance(10) ? 24 : m_random.range(1, 8);
        for (int32_t left = nOperations; left > 0;) {
            if (!typed.empty()) typed += '\n';
            if (m_random.chance(4)) {  // a lone operand is one operation, too: + 0
                ExpressionTree lone;
                lone.nodes.emplace_back();
                lone.root = 0;
                ExpressionNode& n = lone.nodes.front();
                const bool line = !lines.values.empty() && m_random.chance(50);
                if (line) n.kind = ExpressionNode::Kind::Line;
                n.value = line ? m_random.range(1, static_cast<int64_t>(lines.values.size()))
                               : numbers.literal(numbers.everything());
                lines.values.push_back(line ? lines.values[static_cast<size_t>(n.value - 1)] : n.value);
                typed += printTyped(lone);
                --left;
                continue;
            }
            const auto n = static_cast<int32_t>(m_random.range(1, std::min<int64_t>(longest, left)));
            TreeGrower grower(m_random, numbers, m_random.pick(kTreeShapes), &lines);
            typed += printTyped(grower.grow(n));
            lines.values.push_back(grower.value());
            left -= n;
        }
        auto sheet = parseSheet(typed);
        if (!sheet) return sheet.error();
        const auto n = static_cast<int32_t>(sheet->size());
        auto example = workSheet(*sheet, 1, n, n);
        if (!example) return example.error();
        example->typed = std::move(typed);
        return std::optional<TaskExample>(std::move(*example));
    }

    IntRange m_lines, m_window;
    Random m_random;
    ProblemShape m_shape;
    std::optional<SheetShape> m_kind;
};

}  // namespace

const std::vector<std::string>& sheetShapes() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const NamedSheet& s : kSheets) list.emplace_back(s.name);
        return list;
    }();
    return names;
}

std::unique_ptr<ExampleSource> makeSheetSource(IntRange lines, IntRange windowLines, uint64_t seed,
                                               const ProblemShape& shape) {
    if (shape.name == "any") return std::make_unique<SheetSource>(lines, windowLines, seed, shape, std::nullopt);
    for (const NamedSheet& s : kSheets)
        if (shape.name == s.name && (windowLines.max == 0 || s.shape != SheetShape::Typed))
            return std::make_unique<SheetSource>(lines, windowLines, seed, shape, s.shape);
    return nullptr;
}

}  // namespace spanscope
