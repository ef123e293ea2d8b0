#include "engine/reading/arithmetic_problem.h"

#include <charconv>

namespace spanscope {

namespace {

bool take(std::string_view& s, std::string_view what) {
    if (!s.starts_with(what)) return false;
    s.remove_prefix(what.size());
    return true;
}

bool takeLabel(std::string_view& s, int64_t& label) {
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), label);
    if (error != std::errc() || label < 1) return false;
    s.remove_prefix(static_cast<size_t>(end - s.data()));
    return true;
}

bool takeOperator(std::string_view& s, char& op) {
    if (s.empty() || (s[0] != '+' && s[0] != '-' && s[0] != '*')) return false;
    op = s[0];
    s.remove_prefix(1);
    return true;
}

bool takeNumber(std::string_view& s, ProblemOperand& operand) {
    size_t n = s.starts_with('-') ? 1 : 0;
    while (n < s.size() && s[n] >= '0' && s[n] <= '9') ++n;
    operand = {0, WholeNumber::parse(s.substr(0, n))};
    s.remove_prefix(n);
    return operand.value.has_value();
}

}  // namespace

std::optional<ArithmeticProblem> ArithmeticProblem::read(std::string_view task, std::string_view formattedPrompt) {
    ArithmeticProblem problem;
    const bool ok = task == "expression" ? problem.readExpression(formattedPrompt)
                    : task == "sheet"    ? problem.readSheet(formattedPrompt)
                                         : false;
    if (!ok || !problem.evaluate()) return std::nullopt;
    return problem;
}

const ProblemStep* ArithmeticProblem::step(int64_t label) const {
    if (label < 1 || label > static_cast<int64_t>(m_steps.size())) return nullptr;
    return &m_steps[static_cast<size_t>(label - 1)];
}

/// operation := operand "@" label op operand; operand := number | "(" operation ")". Depth is only memory.
bool ArithmeticProblem::readExpression(std::string_view s) {
    struct Open {
        ProblemOperand left;
        bool hasLeft = false;
        int64_t label = 0;
        char op = '+';
    };
    std::vector<Open> open{{}};
    std::vector<std::pair<int64_t, ProblemStep>> found;
    while (!open.empty()) {
        if (take(s, "(")) {
            open.push_back({});
            continue;
        }
        ProblemOperand operand;
        if (!takeNumber(s, operand)) return false;
        while (!open.empty()) {
            Open& o = open.back();
            if (!o.hasLeft) {
                o.left = operand;
                o.hasLeft = true;
                if (!take(s, "@") || !takeLabel(s, o.label) || !takeOperator(s, o.op)) return false;
                break;
            }
            found.push_back({o.label, {o.left, operand, o.op, {}}});
            operand = {o.label, {}};
            open.pop_back();
            if (!open.empty() && !take(s, ")")) return false;
        }
    }
    take(s, "\n");
    if (!s.empty()) return false;
    m_steps.resize(found.size());
    for (size_t i = 0; i < found.size(); ++i) {  // an operation is complete after those it needs, and numbered so
        if (found[i].first != static_cast<int64_t>(i) + 1) return false;
        m_steps[i] = std::move(found[i].second);
    }
    return true;
}

bool ArithmeticProblem::readSheet(std::string_view s) {
    int64_t n = 0;
    if (!take(s, "sheet ") || !takeLabel(s, n) || !take(s, "\n")) return false;
    while (!s.empty()) {
        int64_t label = 0;
        if (!take(s, "<in>") || !takeLabel(s, label) || label != static_cast<int64_t>(m_steps.size()) + 1 ||
            !take(s, "<:>"))
            return false;
        ProblemStep step;
        for (ProblemOperand* operand : {&step.left, &step.right}) {
            if (operand == &step.right && !takeOperator(s, step.op)) return false;
            if (take(s, "$") ? !takeLabel(s, operand->step) : !takeNumber(s, *operand)) return false;
        }
        if (!take(s, "\n")) return false;
        m_steps.push_back(std::move(step));
    }
    return n == static_cast<int64_t>(m_steps.size());
}

bool ArithmeticProblem::evaluate() {
    for (size_t i = 0; i < m_steps.size(); ++i) {
        ProblemStep& step = m_steps[i];
        for (ProblemOperand* operand : {&step.left, &step.right}) {
            if (operand->step == 0) continue;
            if (operand->step > static_cast<int64_t>(i)) return false;
            operand->value = m_steps[static_cast<size_t>(operand->step - 1)].value;
        }
        if (step.left.value && step.right.value) step.value = apply(*step.left.value, step.op, *step.right.value);
    }
    return !m_steps.empty();
}

}  // namespace spanscope
