#include "engine/training/worked.h"

#include <string>

#include "engine/tasks/expression.h"
#include "engine/training/arithmetic_work.h"

namespace spanscope {

namespace {

Error outOfRange() {
    return Error{ErrorCode::InvalidArgument, "an intermediate result leaves the range of 64-bit integers"};
}

}  // namespace

Result<TaskExample> workExpression(const ExpressionTree& tree) {
    EvaluationRange range;
    const auto values = evaluateExpression(tree, range);
    if (!values) return outOfRange();
    TaskExample e;
    e.task = "expression";
    e.typed = printTyped(tree);
    e.prompt = printExpression(tree, true) + "\n";
    for (const ExpressionNode& n : tree.nodes) {  // every step after those it needs
        if (n.kind != ExpressionNode::Kind::Operator) continue;
        const int64_t a = (*values)[static_cast<size_t>(n.left)];
        const int64_t b = (*values)[static_cast<size_t>(n.right)];
        e.response += "<out>" + std::to_string(n.label) + "<:><attend>";
        for (int32_t child : {n.left, n.right}) {
            const ExpressionNode& c = tree.node(child);
            if (c.kind == ExpressionNode::Kind::Operator) e.response += "<out>" + std::to_string(c.label) + "<:>";
        }
        e.response +=
            "</attend>" + std::to_string(a) + n.op + std::to_string(b) + "<local>" + writeWork(a, n.op, b) + "\n";
    }
    e.answer = std::to_string((*values)[static_cast<size_t>(tree.root)]);
    return e;
}

Result<TaskExample> workSheet(const Sheet& sheet, int32_t first, int32_t last, int32_t nNamed) {
    EvaluationRange range;
    const auto values = evaluateSheet(sheet, range);
    if (!values) return outOfRange();
    TaskExample e;
    e.task = "sheet";
    e.prompt = sheetPrompt(sheet, first, last, nNamed);
    for (int32_t k = first; k <= last; ++k) {
        const SheetLine& line = sheet[static_cast<size_t>(k - 1)];
        e.typed += (k > first ? "\n" : "") + sheetLineText(line);
        const std::string label = std::to_string(k) + "<:>";
        e.response += "<out>" + label + "<attend><in>" + label;
        auto value = [&](const SheetOperand& o) {
            return o.isLine ? (*values)[static_cast<size_t>(o.value - 1)] : o.value;
        };
        if (line.left.isLine) e.response += "<out>" + std::to_string(line.left.value) + "<:>";
        if (line.right.isLine && !(line.left.isLine && line.left.value == line.right.value))
            e.response += "<out>" + std::to_string(line.right.value) + "<:>";
        const int64_t a = value(line.left);
        const int64_t b = value(line.right);
        e.response +=
            "</attend>" + std::to_string(a) + line.op + std::to_string(b) + "<local>" + writeWork(a, line.op, b) + "\n";
    }
    e.answer = std::to_string((*values)[static_cast<size_t>(last - 1)]);
    return e;
}

}  // namespace spanscope
