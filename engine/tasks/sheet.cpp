#include "engine/tasks/sheet.h"

#include "engine/tasks/arithmetic.h"
#include "engine/tasks/expression_tree.h"

namespace spanscope {

namespace {

constexpr size_t kMaxLines = 100'000;

std::string operandText(const SheetOperand& o) { return (o.isLine ? "$" : "") + std::to_string(o.value); }

class SheetTask final : public Task {
  public:
    std::string_view name() const override { return "sheet"; }
    std::string_view title() const override { return "Sheet of calculations"; }
    SpanPolicy defaultPolicy() const override {
        SpanPolicy p;
        p.prefill = PrefillPolicy::Segmented;
        return p;
    }
    PromptBounds promptBounds() const override { return kArithmeticBounds; }
    std::vector<std::string> samples() const override {
        // Built, not typed: a long sheet whose lines reach far back.
        auto longSheet = [](int n) {
            std::string s = "17+25\n60-42\n";
            for (int k = 3; k <= n; ++k) {
                const int far = 1 + k * 37 % 101 % (k - 1);
                const char* ops[] = {"+", "-"};
                s += k % 5 == 0 ? std::to_string(k) + "*" + std::to_string(3 + k % 7) + "\n"
                                : "$" + std::to_string(far) + ops[k % 2] + std::to_string(11 + (k * 37) % 80) + "\n";
            }
            s.pop_back();
            return s;
        };
        return {"64-71\n$1*3",
                "12*4\n35+28\n$1-$2\n$3*6",
                "120-45\n$1+17\n$2-$1\n8*9\n$4-$2\n$5+$3",
                "14*6\n91-38\n$1+$2\n$3-250\n$4*3\n$2-$5\n$6+$1\n$7-$3",
                "(12+7)*(3-8)\n-($1+20)*2\n$2-$1*3\n$3+$2",
                longSheet(16),
                longSheet(40),
                longSheet(100)};
    }

    Result<FormattedPrompt> format(const std::string& typed, const TaskCard* card) const override {
        auto sheet = parseSheet(typed);
        if (!sheet) return sheet.error();
        const int32_t n = static_cast<int32_t>(sheet->size());
        FormattedPrompt p;
        p.text = sheetPrompt(*sheet, 1, n, n);
        p.parts.push_back({p.text, true});
        EvaluationRange range;
        const bool fits = evaluateSheet(*sheet, range).has_value();
        setExactAnswer(p, name());
        if (card) {
            if (card->maxLines > 0 && n > card->maxLines)
                p.warning = "The sheet has " + std::to_string(n) + " operations; the model was trained on up to " +
                            std::to_string(card->maxLines) + ".";
            warnOfRange(p.warning, *card, fits, range);
        }
        return p;
    }

    std::string answer(const std::string& responseText) const override { return lastValue(responseText); }
};

}  // namespace

const Task& sheetTask() {
    static const SheetTask task;
    return task;
}

Result<Sheet> parseSheet(const std::string& typed) {
    Sheet sheet;
    std::vector<int32_t> loweredOf;  // typed line -> lowered line that holds its value
    size_t begin = 0;
    int32_t lineNumber = 0;  // as an editor counts; $n counts the lines with something on them
    while (begin <= typed.size()) {
        const size_t newline = std::min(typed.find('\n', begin), typed.size());
        std::string line = typed.substr(begin, newline - begin);
        begin = newline + 1;
        ++lineNumber;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        auto tree = parseExpression(line, true);
        if (!tree) {
            Error e = tree.error();
            e.line = lineNumber;
            return e;
        }
        std::vector<SheetOperand> operands(tree->nodes.size());
        for (size_t i = 0; i < tree->nodes.size(); ++i) {
            const ExpressionNode& n = tree->nodes[i];
            if (n.kind == ExpressionNode::Kind::Literal) {
                operands[i] = {false, n.value};
            } else if (n.kind == ExpressionNode::Kind::Line) {
                if (n.value < 1 || n.value > static_cast<int64_t>(loweredOf.size()))
                    return wrongText(lineNumber, n.column,
                                     "$" + std::to_string(n.value) + " must refer to an earlier line");
                operands[i] = {true, loweredOf[static_cast<size_t>(n.value - 1)]};
            } else {
                sheet.push_back({operands[static_cast<size_t>(n.left)], n.op, operands[static_cast<size_t>(n.right)]});
                operands[i] = {true, static_cast<int64_t>(sheet.size())};
            }
        }
        if (sheet.size() > kMaxLines)
            return Error{ErrorCode::InvalidArgument,
                         "the sheet is too long",
                         "",
                         "",
                         std::to_string(sheet.size()),
                         "at most " + std::to_string(kMaxLines) + " operations"};
        loweredOf.push_back(static_cast<int32_t>(operands[static_cast<size_t>(tree->root)].value));
    }
    if (sheet.empty()) return wrongText(1, 1, "nothing to calculate");
    return sheet;
}

std::string sheetLineText(const SheetLine& line) { return operandText(line.left) + line.op + operandText(line.right); }

std::string sheetPrompt(const Sheet& sheet, int32_t first, int32_t last, int32_t nNamed) {
    std::string s = "sheet " + std::to_string(nNamed) + "\n";
    for (int32_t k = first; k <= last; ++k)
        s += "<in>" + std::to_string(k) + "<:>" + sheetLineText(sheet[static_cast<size_t>(k - 1)]) + "\n";
    return s;
}

std::optional<std::vector<int64_t>> evaluateSheet(const Sheet& sheet, EvaluationRange& range) {
    std::vector<int64_t> values(sheet.size());
    for (const SheetLine& line : sheet)
        for (const SheetOperand& o : {line.left, line.right})
            if (!o.isLine) range.seeLiteral(o.value);
    for (size_t i = 0; i < sheet.size(); ++i) {
        auto value = [&](const SheetOperand& o) {
            return o.isLine ? values[static_cast<size_t>(o.value - 1)] : o.value;
        };
        const int64_t a = value(sheet[i].left);
        const int64_t b = value(sheet[i].right);
        const auto v = applyOperator(a, sheet[i].op, b);
        if (!v) return std::nullopt;
        values[i] = *v;
        for (int64_t x : {a, b, *v}) range.see(x);
        if (sheet[i].op == '*') range.seeProduct(a, b);
    }
    return values;
}

}  // namespace spanscope
