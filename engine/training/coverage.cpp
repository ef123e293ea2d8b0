#include "engine/training/coverage.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <functional>

#include "engine/tasks/arithmetic.h"
#include "engine/tasks/expression_tree.h"
#include "engine/tasks/sheet.h"

namespace spanscope {

namespace {

constexpr int kMostDigits = 4;  // of the limit, 9,999
using Kind = ExpressionNode::Kind;

int digitsOf(int64_t v) {
    int n = 0;
    for (uint64_t m = static_cast<uint64_t>(std::llabs(v)); m > 0; m /= 10) ++n;
    return n;  // 0 for zero
}

std::string bucket(int64_t n, const std::vector<int64_t>& ends) {
    int64_t first = 1;
    for (const int64_t end : ends) {
        if (n <= end) return first == end ? std::to_string(end) : std::to_string(first) + "-" + std::to_string(end);
        first = end + 1;
    }
    return std::to_string(first) + " and more";
}
std::vector<std::string> bucketNames(const std::vector<int64_t>& ends, bool open) {
    std::vector<std::string> names;
    for (const int64_t end : ends) names.push_back(bucket(end, ends));
    if (open) names.push_back(bucket(ends.back() + 1, ends));
    return names;
}

const std::vector<int64_t> kOperators{1, 4, 9, 16, 24};
const std::vector<int64_t> kLines{1, 4, 16, 40, 64, 100};
const std::vector<int64_t> kDistances{1, 4, 16, 64};

/// One out-segment of a worked response.
struct Step {
    int64_t label = 0;
    std::vector<int64_t> refs;  ///< out labels
    int64_t a = 0, b = 0;
    char op = '+';
    std::string work;
};

int64_t numberAt(std::string_view text, size_t& at) {
    int64_t v = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), v);
    at = static_cast<size_t>(end - text.data());
    return error == std::errc() ? v : 0;
}

std::vector<Step> stepsOf(std::string_view response) {
    std::vector<Step> steps;
    while (!response.empty()) {
        const size_t end = std::min(response.find('\n'), response.size());
        const std::string_view line = response.substr(0, end);
        response.remove_prefix(std::min(end + 1, response.size()));
        const size_t body = line.find("</attend>"), local = line.find("<local>");
        if (body == std::string_view::npos || local == std::string_view::npos) continue;  // the cut end of a window
        Step s;
        size_t at = std::string_view("<out>").size();
        s.label = numberAt(line, at);
        for (size_t ref = line.find("<out>", at); ref < body; ref = line.find("<out>", ref + 1)) {
            at = ref + std::string_view("<out>").size();
            s.refs.push_back(numberAt(line, at));
        }
        at = body + std::string_view("</attend>").size();
        s.a = numberAt(line, at);
        s.op = line[at++];
        s.b = numberAt(line, at);
        s.work = line.substr(local + std::string_view("<local>").size());
        steps.push_back(std::move(s));
    }
    return steps;
}

/// Longest run of carries (or borrows) in the columns of a sum or difference.
int longestCarry(const std::string& work) {
    const size_t end = work.find('='), begin = work.find_first_of("+-", 1) + 1;
    int longest = 0, run = 0;
    for (size_t i = begin; i + 3 < end; i += 4) {
        run = work[i + 3] == '0' ? 0 : run + 1;
        longest = std::max(longest, run);
    }
    return longest;
}

std::string signsOf(int64_t a, int64_t b) { return std::string(a < 0 ? "-" : "+") + (b < 0 ? '-' : '+'); }

void cellsOfArithmetic(const Step& s, const std::function<void(const std::string&)>& hit) {
    const std::string op(1, s.op);
    const int da = digitsOf(s.a), db = digitsOf(s.b);
    hit("operands of " + op + ": " + std::to_string(da) + " and " + std::to_string(db) + " digits");
    hit("signs of " + op + ": " + signsOf(s.a, s.b));
    const int64_t value = *applyOperator(s.a, s.op, s.b);
    const std::string size =
        value == 0 ? "zero" : std::string(value < 0 ? "-" : "+") + " " + std::to_string(digitsOf(value)) + " digits";
    hit("result of " + op + ": " + size);
    if (std::llabs(value) == 9999) hit("result of " + op + ": the limit");
    if (std::llabs(s.a) == 1 || std::llabs(s.b) == 1) hit("operand of " + op + ": one");
    if (s.op == '*') return;
    if (s.work[0] == '+') {
        hit("longest carry: " + std::to_string(longestCarry(s.work)));
        return;
    }
    const auto pairs = (s.work.find_first_of("+-", 1) - 1) / 2;
    const int64_t difference = std::llabs(std::llabs(s.a) - std::llabs(s.b));
    hit("longest borrow: " + std::to_string(longestCarry(s.work)));
    if (difference == 0) hit("difference of equal numbers: " + std::to_string(da) + " digits");
    else if (difference <= 9 && std::min(da, db) > 1)
        hit("difference of close numbers: " + std::to_string(std::max(da, db)) + " digits");
    if (difference != 0) hit("digits compared: " + std::to_string(pairs));
}

struct Form {
    int height = 0, operators = 0;
    bool left = true, right = true, comb = true, flat = true, product = true;
};

/// Structures that the tree is an example of; two operators and less are of every one.
std::vector<std::string> structuresOf(const ExpressionTree& tree) {
    std::vector<Form> forms(tree.nodes.size());
    for (size_t i = 0; i < tree.nodes.size(); ++i) {
        const ExpressionNode& n = tree.nodes[i];
        if (n.kind != Kind::Operator) continue;
        const Form &l = forms[static_cast<size_t>(n.left)], &r = forms[static_cast<size_t>(n.right)];
        Form& f = forms[i];
        f.operators = l.operators + r.operators + 1;
        f.height = std::max(l.height, r.height) + 1;
        f.left = r.operators == 0 && l.left;
        f.right = l.operators == 0 && r.right;
        const bool one = (l.operators == 0) != (r.operators == 0);
        const ExpressionNode& child = tree.node(l.operators > 0 ? n.left : n.right);
        const bool childLeans = child.kind == Kind::Operator && forms[static_cast<size_t>(child.left)].operators > 0;
        const bool turns = f.operators <= 2 || childLeans != (l.operators > 0);
        f.comb = f.operators == 1 || (one && turns && (l.operators > 0 ? l.comb : r.comb));
        f.product = n.op == '*' && r.operators == 0 && l.product;
        f.flat = f.product || (n.op != '*' && l.flat && r.product);
    }
    const Form& f = forms[static_cast<size_t>(tree.root)];
    int least = 0;
    while ((1 << least) < f.operators + 1) ++least;
    std::vector<std::string> names;
    if (f.flat) names.emplace_back("flat");
    if (f.left) names.emplace_back("left");
    if (f.right) names.emplace_back("right");
    if (f.comb) names.emplace_back("comb");
    if (f.height == least) names.emplace_back("balanced");
    if (!f.left && !f.right && !f.comb && f.height != least) names.emplace_back("other");
    return names;
}

const std::vector<std::string> kStructures{"flat", "left", "right", "comb", "balanced", "other"};
const std::vector<std::string> kMixes{"+", "-", "*", "+-", "+*", "-*", "+-*"};

std::string mixOf(const std::vector<Step>& steps) {
    std::string mix;
    for (const char op : {'+', '-', '*'})
        if (std::any_of(steps.begin(), steps.end(), [op](const Step& s) { return s.op == op; })) mix += op;
    return mix;
}

void cellsOfExpression(const TaskExample& e, const std::vector<Step>& steps,
                       const std::function<void(const std::string&)>& hit) {
    const auto tree = parseExpression(e.typed, false);
    if (!tree) return;
    int64_t largest = 0;
    for (const ExpressionNode& n : tree->nodes) {
        if (n.kind == Kind::Literal) largest = std::max<int64_t>(largest, std::llabs(n.value));
        if (n.kind != Kind::Operator) continue;
        const ExpressionNode &l = tree->node(n.left), &r = tree->node(n.right);
        if (l.kind == Kind::Literal && l.value < 0) hit("number with a minus on the left");
        if (r.kind == Kind::Literal && r.value < 0) hit("number with a minus on the right");
        if (n.op != '-' || l.kind != Kind::Literal || l.value != 0 || r.kind != Kind::Operator) continue;
        hit("-(...)");
        const ExpressionNode& inner = tree->node(r.left);
        if (r.op == '-' && inner.kind == Kind::Literal && inner.value == 0 &&
            tree->node(r.right).kind == Kind::Operator)
            hit("-(-(...))");
    }
    std::vector<int64_t> numbers;  // in reading order
    for (const ExpressionNode& n : tree->nodes)
        if (n.kind == Kind::Literal) numbers.push_back(n.value);
    if (numbers.size() > 4) {
        const auto twoAre = [&](auto what) {
            return std::adjacent_find(numbers.begin(), numbers.end(), what) == numbers.end();
        };
        if (twoAre([](int64_t a, int64_t b) { return a != b; })) hit("the same number throughout");
        if (twoAre([](int64_t a, int64_t b) { return b - a != 1; })) hit("numbers that count up");
        if (twoAre([](int64_t a, int64_t b) { return a - b != 1; })) hit("numbers that count down");
    }
    const std::string size = bucket(tree->nOperators, kOperators);
    const std::string digits = std::to_string(std::max(1, digitsOf(largest)));
    if (tree->nOperators == 1) hit("1 operator, " + digits + " digits");
    else
        for (const std::string& name : structuresOf(*tree))
            hit(name + ", " + size + " operators, " + digits + " digits");
    hit("operators " + mixOf(steps) + (tree->nOperators > 4 ? ", more than 4" : ", up to 4"));
    for (const Step& s : steps) {
        hit("own label: " + std::to_string(digitsOf(s.label)) + " digits");
        hit("steps named: " + std::to_string(s.refs.size()));
        for (size_t i = 0; i < s.refs.size(); ++i) {
            hit("label named " +
                std::string(s.refs.size() == 1 ? "alone"
                            : i == 0           ? "first"
                                               : "second") +
                ": " + std::to_string(digitsOf(s.refs[i])) + " digits");
            hit("steps back: " + bucket(s.label - s.refs[i], {1, 4, 16}));
        }
    }
}

void cellsOfSheet(const TaskExample& e, const std::vector<Step>& steps,
                  const std::function<void(const std::string&)>& hit) {
    const auto sheet = parseSheet(e.typed);
    if (!sheet || !e.complete) return;
    const auto n = static_cast<int64_t>(sheet->size());
    std::vector<int64_t> named(sheet->size() + 1, 0), chain(sheet->size() + 1, 1);
    int64_t largest = 0, longest = 1;
    auto text = [](const SheetOperand& o) { return (o.isLine ? "$" : "") + std::to_string(o.value); };
    std::map<std::string, int64_t> lines;
    for (int64_t k = 1; k <= n; ++k) {
        const SheetLine& line = (*sheet)[static_cast<size_t>(k - 1)];
        for (const SheetOperand& o : {line.left, line.right}) {
            if (!o.isLine) {
                largest = std::max<int64_t>(largest, std::llabs(o.value));
                continue;
            }
            ++named[static_cast<size_t>(o.value)];
            chain[static_cast<size_t>(k)] =
                std::max(chain[static_cast<size_t>(k)], chain[static_cast<size_t>(o.value)] + 1);
            hit("lines back: " + bucket(k - o.value, kDistances));
            hit("label named: " + std::to_string(digitsOf(o.value)) + " digits by one of " +
                std::to_string(digitsOf(k)));
        }
        longest = std::max(longest, chain[static_cast<size_t>(k)]);
        const std::string what =
            std::string(line.left.isLine ? "line" : "number") + " and " + (line.right.isLine ? "line" : "number");
        hit("operands: " + what + ", " + line.op);
        if (line.left.isLine && line.right.isLine && line.left.value == line.right.value)
            hit(std::string("the same line twice, ") + line.op);
        if (++lines[text(line.left) + line.op + text(line.right)] == 2) hit("a line that stands there already");
    }
    for (int64_t k = 1; k <= n; ++k) {
        if (k < n && named[static_cast<size_t>(k)] == 0) hit("a line that none names");
        if (named[static_cast<size_t>(k)] >= 4) hit("a line that four name");
        if (n >= 10 && named[static_cast<size_t>(k)] >= n - 1) hit("a line that all name");
    }
    if (n > 4 && lines.size() == 1) hit("all lines the same");
    if (longest >= 8) hit("a chain of eight lines");
    const auto nNamed = std::count_if(named.begin(), named.end(), [](int64_t c) { return c > 0; });
    if (n > 4 && nNamed == 0) hit("no line names another");
    if (static_cast<int64_t>(std::count(e.typed.begin(), e.typed.end(), '\n')) + 1 < n)
        hit("several operations in a line");
    hit(bucket(n, kLines) + " lines, " + std::to_string(std::max(1, digitsOf(largest))) + " digits");
    hit("operators " + mixOf(steps));
}

std::vector<std::string> allCells(bool isSheet) {
    std::vector<std::string> list;
    auto add = [&list](std::string cell) { list.push_back(std::move(cell)); };
    for (const char c : {'+', '-', '*'}) {
        const std::string op(1, c);
        for (int a = 0; a <= kMostDigits; ++a)
            for (int b = 0; b <= kMostDigits; ++b)
                if (c != '*' || a == 0 || b == 0 || a + b <= kMostDigits + 1)
                    add("operands of " + op + ": " + std::to_string(a) + " and " + std::to_string(b) + " digits");
        for (const char* signs : {"++", "+-", "-+", "--"}) add("signs of " + op + ": " + signs);
        add("result of " + op + ": zero");
        add("result of " + op + ": the limit");
        add("operand of " + op + ": one");
        for (const char* sign : {"+", "-"})
            for (int d = 1; d <= kMostDigits; ++d)
                add("result of " + op + ": " + sign + " " + std::to_string(d) + " digits");
    }
    for (int run = 0; run < kMostDigits; ++run)
        add("longest carry: " + std::to_string(run));  // a carry out of the last place is beyond the limit
    for (int run = 0; run < kMostDigits; ++run) add("longest borrow: " + std::to_string(run));
    for (int d = 1; d <= kMostDigits; ++d) add("difference of equal numbers: " + std::to_string(d) + " digits");
    for (int d = 2; d <= kMostDigits; ++d) add("difference of close numbers: " + std::to_string(d) + " digits");
    for (int d = 1; d <= kMostDigits; ++d) add("digits compared: " + std::to_string(d));
    if (isSheet) {
        for (const std::string& d : bucketNames(kDistances, true)) add("lines back: " + d);
        for (int own = 1; own <= 3; ++own)
            for (int label = 1; label <= std::min(own, 2); ++label)
                add("label named: " + std::to_string(label) + " digits by one of " + std::to_string(own));
        for (const char* op : {"+", "-", "*"}) {
            for (const char* what : {"number and number", "number and line", "line and number", "line and line"})
                add("operands: " + std::string(what) + ", " + op);
            add("the same line twice, " + std::string(op));
        }
        for (const char* cell : {"a line that stands there already", "a line that none names", "a line that four name",
                                 "a line that all name", "a chain of eight lines", "no line names another",
                                 "several operations in a line", "all lines the same"})
            add(cell);
        for (const std::string& size : bucketNames(kLines, false))
            for (int d = 1; d <= kMostDigits; ++d) add(size + " lines, " + std::to_string(d) + " digits");
        for (const std::string& mix : kMixes) add("operators " + mix);
        return list;
    }
    for (int d = 1; d <= kMostDigits; ++d) {
        add("1 operator, " + std::to_string(d) + " digits");
        for (const std::string& size : bucketNames(kOperators, false)) {
            if (size == "1") continue;
            for (const std::string& structure : kStructures)
                if (structure != "other" || size != "2-4")
                    add(structure + ", " + size + " operators, " + std::to_string(d) + " digits");
        }
    }
    for (const std::string& mix : kMixes) {
        add("operators " + mix + ", up to 4");
        add("operators " + mix + ", more than 4");
    }
    for (int d = 1; d <= 2; ++d) {
        add("own label: " + std::to_string(d) + " digits");
        for (const char* role : {"alone", "first", "second"})
            add("label named " + std::string(role) + ": " + std::to_string(d) + " digits");
    }
    for (int n = 0; n <= 2; ++n) add("steps named: " + std::to_string(n));
    for (const std::string& d : bucketNames({1, 4, 16}, true)) add("steps back: " + d);
    for (const char* cell :
         {"number with a minus on the left", "number with a minus on the right", "-(...)", "-(-(...))",
          "the same number throughout", "numbers that count up", "numbers that count down"})
        add(cell);
    return list;
}

}  // namespace

ArithmeticCoverage::ArithmeticCoverage(std::string_view task) : m_isSheet(task == "sheet") {
    for (std::string& cell : allCells(m_isSheet)) m_cells.emplace(std::move(cell), 0);
}

void ArithmeticCoverage::hit(const std::string& cell) {
    if (std::find(m_seen.begin(), m_seen.end(), cell) != m_seen.end()) return;
    m_seen.push_back(cell);
    if (const auto it = m_cells.find(cell); it != m_cells.end()) ++it->second;
}

void ArithmeticCoverage::add(const TaskExample& example) {
    m_seen.clear();
    const std::vector<Step> steps = stepsOf(example.response);
    const auto note = [this](const std::string& cell) { hit(cell); };
    for (const Step& s : steps) cellsOfArithmetic(s, note);
    if (m_isSheet) cellsOfSheet(example, steps, note);
    else cellsOfExpression(example, steps, note);
}

std::vector<std::string> ArithmeticCoverage::empty() const {
    std::vector<std::string> list;
    for (const auto& [cell, n] : m_cells)
        if (n == 0) list.push_back(cell);
    return list;
}

std::string ArithmeticCoverage::toText() const {
    constexpr size_t kShown = 5;
    const std::vector<std::string> none = empty();
    std::string text =
        "covers " + std::to_string(m_cells.size() - none.size()) + " of " + std::to_string(m_cells.size()) + " cells";
    for (size_t i = 0; i < std::min(none.size(), kShown); ++i) text += (i == 0 ? "; empty: " : "; ") + none[i];
    if (none.size() > kShown) text += "; and " + std::to_string(none.size() - kShown) + " more";
    return text;
}

}  // namespace spanscope
