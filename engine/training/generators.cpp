// Random expressions: values stay within the limits at every step, by construction. Sheets: sheet_grower.cpp.
#include <algorithm>

#include "engine/training/example.h"
#include "engine/training/tree_grower.h"
#include "engine/training/worked.h"

namespace spanscope {

namespace {

/// Shapes that say what the numbers or operators are; the tree is any.
enum class Content : uint8_t { Any, Zeros, Minus, Products, Sums, Differences, Equal, Repeated, Counting };

struct NamedContent {
    const char* name;
    Content content;
};
constexpr NamedContent kContents[] = {{"zeros", Content::Zeros},
                                      {"minus", Content::Minus},
                                      {"products", Content::Products},
                                      {"sums", Content::Sums},
                                      {"differences", Content::Differences},
                                      {"equal", Content::Equal},
                                      {"repeated", Content::Repeated},
                                      {"counting", Content::Counting}};

void apply(Content content, NumberStyle& style, Random& random) {
    switch (content) {
        case Content::Any: break;
        case Content::Zeros: style.zero = 70, style.sequence = NumberStyle::Sequence::None; break;
        case Content::Minus: style.minus = 40, style.negative = 50; break;
        case Content::Products: style.operators = "*", style.fewZeros = true; break;
        case Content::Sums: style.operators = "+"; break;
        case Content::Differences: style.operators = "-"; break;
        case Content::Equal:
            style.operators = random.chance(70) ? "-" : "+-";
            style.close = style.byResult = 90;
            style.sequence = NumberStyle::Sequence::None;
            break;
        case Content::Repeated: style.sequence = NumberStyle::Sequence::Repeated; break;
        case Content::Counting: style.sequence = NumberStyle::Sequence::Counting; break;
    }
}

/// Chains of one sign would run into the limit and then go on with zeros.
void keepRoom(NumberStyle& style, int32_t nOperators, int32_t limit, Random& random) {
    const bool plus = style.operators.find('+') != std::string_view::npos,
               minus = style.operators.find('-') != std::string_view::npos;
    if (plus == minus || style.negative > 0 || nOperators < 2) return;
    if (random.chance(40)) {
        style.negative = 40;
        return;
    }
    int64_t largest = 1;
    for (int i = 0; i < style.digits; ++i) largest *= 10;
    for (; style.digits > 1 && largest * (nOperators + 1) / 2 > limit; largest /= 10) --style.digits;
    style.byResult = 0;
}

class ExpressionSource final : public ExampleSource {
  public:
    ExpressionSource(IntRange operators, uint64_t seed, const ProblemShape& shape, std::optional<TreeShape> tree,
                     Content content)
        : m_operators(operators), m_random(seed), m_shape(shape), m_tree(tree), m_content(content) {}

    Result<std::optional<TaskExample>> next() override {
        const auto n = static_cast<int32_t>(m_random.range(m_operators.min, m_operators.max));
        NumberStyle style = NumberStyle::draw(m_random, m_shape.digits.min, m_shape.digits.max);
        const bool any = m_shape.name == "any";
        apply(any && m_random.chance(25) ? m_random.pick(kContents).content : m_content, style, m_random);
        keepRoom(style, n, m_shape.maxValue, m_random);
        NumberSource numbers(m_random, style, m_shape.maxValue);
        const TreeShape tree = m_tree ? *m_tree : m_random.pick(kTreeShapes);
        auto example = workExpression(TreeGrower(m_random, numbers, tree, nullptr).grow(n));
        if (!example) return example.error();
        return std::optional<TaskExample>(std::move(*example));
    }

  private:
    IntRange m_operators;
    Random m_random;
    ProblemShape m_shape;
    std::optional<TreeShape> m_tree;
    Content m_content;
};

}  // namespace

const std::vector<std::string>& expressionShapes() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const TreeShape shape : kTreeShapes) list.emplace_back(treeShapeName(shape));
        for (const NamedContent& c : kContents) list.emplace_back(c.name);
        return list;
    }();
    return names;
}

std::unique_ptr<ExampleSource> makeExpressionSource(IntRange operators, uint64_t seed, const ProblemShape& shape) {
    if (shape.name == "any")
        return std::make_unique<ExpressionSource>(operators, seed, shape, std::nullopt, Content::Any);
    for (const TreeShape tree : kTreeShapes)
        if (shape.name == treeShapeName(tree))
            return std::make_unique<ExpressionSource>(operators, seed, shape, tree, Content::Any);
    for (const NamedContent& c : kContents)
        if (shape.name == c.name)
            return std::make_unique<ExpressionSource>(operators, seed, shape, std::nullopt, c.content);
    return nullptr;
}

}  // namespace spanscope
