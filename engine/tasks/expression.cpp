#include "engine/tasks/expression.h"

#include <algorithm>
#include <cstdint>

#include "engine/reading/arithmetic_problem.h"
#include "engine/tasks/arithmetic.h"

namespace spanscope {

namespace {

/// The smallest number has no counterpart; the largest stands for it.
int64_t magnitude(int64_t v) { return v == INT64_MIN ? INT64_MAX : v < 0 ? -v : v; }

class ExpressionTask final : public Task {
  public:
    std::string_view name() const override { return "expression"; }
    std::string_view title() const override { return "Arithmetic expression"; }
    SpanPolicy defaultPolicy() const override {
        SpanPolicy p;
        p.heads = true;
        return p;
    }
    PromptBounds promptBounds() const override { return kArithmeticBounds; }
    std::vector<std::string> samples() const override {
        return {"(12+7)*(3-8)",
                "48-17*3",
                "((23+19)*4-87)-(56-91)",
                "-(14-31)*6+250-8*(7+9)",
                "(5+4)*(3+8)-(72-15)*(2+1)+640",
                "((31-9)*4+(18+7)*3)-((64-29)*2-(11-45))",
                "12+7-30+45-8+61-99+14-3+27-52+88",
                "((17*4-(63+12))*((9-2)*3)+(84-(35-28)*6))-((41+19)*5-((76-68)*(3+4)-102))"};
    }

    Result<FormattedPrompt> format(const std::string& typed, const TaskCard* card) const override {
        auto tree = parseExpression(typed, false);
        if (!tree) return tree.error();
        FormattedPrompt p;
        p.text = printExpression(*tree, true) + "\n";
        p.parts.push_back({p.text, true});  // digits, operators and parentheses only: nothing of the typed text itself
        EvaluationRange range;
        const bool fits = evaluateExpression(*tree, range).has_value();
        setExactAnswer(p, name());
        if (card) {
            if (card->maxOperators > 0 && tree->nOperators > card->maxOperators)
                p.warning = "The expression has " + std::to_string(tree->nOperators) +
                            " operators; the model was trained on up to " + std::to_string(card->maxOperators) + ".";
            warnOfRange(p.warning, *card, fits, range);
        }
        return p;
    }

    std::string answer(const std::string& responseText) const override { return lastValue(responseText); }
};

}  // namespace

void EvaluationRange::seeLiteral(int64_t v) { largestLiteral = std::max(largestLiteral, magnitude(v)); }
void EvaluationRange::see(int64_t v) { largestValue = std::max(largestValue, magnitude(v)); }
void EvaluationRange::seeProduct(int64_t a, int64_t b) {
    largestFactor = std::max(largestFactor, std::min(magnitude(a), magnitude(b)));
}

std::optional<std::vector<int64_t>> evaluateExpression(const ExpressionTree& tree, EvaluationRange& range) {
    std::vector<int64_t> values(tree.nodes.size(), 0);
    for (const ExpressionNode& n : tree.nodes)  // all of them, also where an intermediate result ends the evaluation
        if (n.kind == ExpressionNode::Kind::Literal) range.seeLiteral(n.value);
    for (size_t i = 0; i < tree.nodes.size(); ++i) {
        const ExpressionNode& n = tree.nodes[i];
        if (n.kind != ExpressionNode::Kind::Operator) {
            values[i] = n.value;
        } else {
            const int64_t a = values[static_cast<size_t>(n.left)];
            const int64_t b = values[static_cast<size_t>(n.right)];
            const auto v = applyOperator(a, n.op, b);
            if (!v) return std::nullopt;
            values[i] = *v;
            if (n.op == '*') range.seeProduct(a, b);
        }
        range.see(values[i]);
    }
    return values;
}

const Task& expressionTask() {
    static const ExpressionTask task;
    return task;
}

std::string lastValue(const std::string& responseText) {
    const size_t at = responseText.rfind('=');
    if (at == std::string::npos) return {};
    const size_t end = responseText.find('\n', at);
    return responseText.substr(at + 1, end == std::string::npos ? std::string::npos : end - at - 1);
}

void warnOfRange(std::string& warning, const TaskCard& card, bool fits, const EvaluationRange& range) {
    std::string more;
    if (card.maxValue > 0 && range.largestLiteral > card.maxValue)
        more = "The number " + std::to_string(range.largestLiteral) + " is beyond " + std::to_string(card.maxValue) +
               ", the largest that the model was trained on.";
    else if (!fits) more = "An intermediate result leaves the range of 64-bit integers.";
    else if (card.maxValue > 0 && range.largestValue > card.maxValue)
        more = "An intermediate result reaches " + std::to_string(range.largestValue) +
               "; the model was trained up to " + std::to_string(card.maxValue) + ", so expect a wrong answer.";
    else if (card.maxFactor > 0 && range.largestFactor > card.maxFactor)
        more = "A product multiplies by " + std::to_string(range.largestFactor) +
               "; the model was trained on factors up to " + std::to_string(card.maxFactor) +
               ", so expect a wrong answer.";
    if (!more.empty()) warning += (warning.empty() ? "" : " ") + more;
}

void setExactAnswer(FormattedPrompt& prompt, std::string_view task) {
    const auto problem = ArithmeticProblem::read(task, prompt.text);
    if (problem && problem->answer()) prompt.exactAnswer = problem->answer()->text();
    else
        prompt.uncheckable =
            "an intermediate result has more than " + std::to_string(WholeNumber::kMostDigits) + " digits";
}

}  // namespace spanscope
