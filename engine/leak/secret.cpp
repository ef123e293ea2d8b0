#include "engine/leak/secret.h"

#include <numeric>
#include <utility>

#include "engine/tasks/expression_tree.h"
#include "engine/tasks/sheet.h"
#include "engine/training/worked.h"

namespace spanscope {

namespace {

/// The sheet under a first line `first+secret`.
Result<TaskExample> sheetWith(const Sheet& others, int64_t first, int64_t secret) {
    Sheet sheet{{{false, first}, '+', {false, secret}}};
    for (SheetLine line : others) {
        for (SheetOperand* o : {&line.left, &line.right}) o->value += o->isLine ? 1 : 0;
        sheet.push_back(line);
    }
    const auto n = static_cast<int32_t>(sheet.size());
    return workSheet(sheet, 1, n, n);
}

ExpressionNode literal(int64_t value) {
    ExpressionNode node;
    node.value = value;
    return node;
}

ExpressionNode sum(int32_t left, int32_t right) {
    ExpressionNode node;
    node.kind = ExpressionNode::Kind::Operator;
    node.op = '+';
    node.left = left;
    node.right = right;
    return node;
}

/// (first+secret)+others, worked out up to before the last operation, which needs both.
Result<TaskExample> expressionWith(const ExpressionTree& others, int64_t first, int64_t secret) {
    ExpressionTree tree;
    tree.nodes = {literal(first), literal(secret), sum(0, 1)};
    for (ExpressionNode node : others.nodes) {
        if (node.left >= 0) node.left += 3;
        if (node.right >= 0) node.right += 3;
        tree.nodes.push_back(node);
    }
    tree.nodes.push_back(sum(2, others.root + 3));
    tree.root = static_cast<int32_t>(tree.nodes.size()) - 1;
    numberOperators(tree);
    tree.nOperators = others.nOperators + 2;
    auto example = workExpression(tree);
    if (!example) return example.error();
    const std::string last = "<out>" + std::to_string(tree.nOperators) + "<:><attend>";
    example->response.resize(example->response.rfind(last));
    example->complete = false;
    return example;
}

}  // namespace

std::vector<int32_t> shuffledSecrets(Random& random) {
    std::vector<int32_t> secrets(kSecrets);
    std::iota(secrets.begin(), secrets.end(), 0);
    for (size_t i = secrets.size(); i > 1; --i)
        std::swap(secrets[i - 1], secrets[static_cast<size_t>(random.range(0, static_cast<int64_t>(i) - 1))]);
    return secrets;
}

SecretSource::SecretSource(std::string task, std::unique_ptr<ExampleSource> others, uint64_t seed)
    : m_task(std::move(task)), m_others(std::move(others)), m_random(~seed) {}  // not their stream

Result<SecretSource> SecretSource::create(const std::string& task, int32_t nLater, uint64_t seed) {
    if (task != "sheet" && task != "expression")
        return invalidArgument("no secret is planted in problems of this task", task, "sheet or expression");
    if (nLater < 1) return invalidArgument("no line follows the secret's", std::to_string(nLater), "1 or more");
    const IntRange size{nLater, nLater};
    const ProblemShape shape{"any", {1, 2}};
    auto others =
        task == "sheet" ? makeSheetSource(size, {0, 0}, seed, shape) : makeExpressionSource(size, seed, shape);
    return SecretSource(task, std::move(others), seed);
}

Result<SecretProblem> SecretSource::next() {
    auto others = m_others->next();
    if (!others) return others.error();
    const int64_t first = 10 * m_random.range(1, 9);
    SecretProblem problem;
    if (m_dealt.empty()) m_dealt = shuffledSecrets(m_random);
    problem.secret = m_dealt.back();
    m_dealt.pop_back();
    problem.operand = std::to_string(first) + "+";
    for (int32_t secret = 0; secret < kSecrets; ++secret) {
        auto example = [&]() -> Result<TaskExample> {
            if (m_task == "sheet") {
                const auto sheet = parseSheet((*others)->typed);
                return sheet ? sheetWith(*sheet, first, secret) : sheet.error();
            }
            const auto tree = parseExpression((*others)->typed, false);
            return tree ? expressionWith(*tree, first, secret) : tree.error();
        }();
        if (!example) return example.error();
        problem.with[static_cast<size_t>(secret)] = std::move(*example);
    }
    return problem;
}

}  // namespace spanscope
