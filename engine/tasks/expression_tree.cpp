#include "engine/tasks/expression_tree.h"

#include <functional>

namespace spanscope {

namespace {

constexpr int kMaxDepth = 200;
constexpr int64_t kMaxLiteral = 999'999'999'999;

class Parser {
  public:
    Parser(std::string_view text, bool allowLines) : m_text(text), m_allowLines(allowLines) {}

    Result<ExpressionTree> parse() {
        next();
        int32_t root = sum(0);
        if (!m_failed && m_kind != Tok::End)
            fail(m_kind == Tok::Close ? "this ) has no (" : "expected an operator here");
        if (m_failed) return m_error;
        if (m_tree.node(root).kind != ExpressionNode::Kind::Operator) root = binary('+', root, literal(0));
        m_tree.root = root;
        numberOperators(m_tree);
        return std::move(m_tree);
    }

  private:
    enum class Tok { Number, Line, Plus, Minus, Times, Open, Close, End, Bad };

    void fail(const std::string& what) {
        if (m_failed) return;
        m_failed = true;
        m_error = wrongText(0, m_tokenColumn, what);
    }

    bool take(std::string_view s) {
        if (m_text.substr(m_pos).starts_with(s)) {
            m_pos += s.size();
            ++m_column;
            return true;
        }
        return false;
    }

    void next() {
        while (take(" ") || take("\t") || take("\u00A0") || take("\u2009")) {}
        m_tokenColumn = m_column;
        if (m_pos >= m_text.size()) {
            m_kind = Tok::End;
        } else if (isDigit(m_text[m_pos])) {
            m_kind = Tok::Number;
            m_value = number();
        } else if (take("$")) {
            if (!m_allowLines) return bad("$ names a line of a sheet; an expression has no lines");
            if (m_pos >= m_text.size() || !isDigit(m_text[m_pos])) return bad("a line number must follow $");
            m_kind = Tok::Line;
            m_value = number();
        } else if (take("+")) {
            m_kind = Tok::Plus;
        } else if (take("-") || take("\u2212") || take("\u2013")) {
            m_kind = Tok::Minus;
        } else if (take("*") || take("\u00D7") || take("\u00B7") || take("\u22C5")) {
            m_kind = Tok::Times;
        } else if (take("(")) {
            m_kind = Tok::Open;
        } else if (take(")")) {
            m_kind = Tok::Close;
        } else if (m_text[m_pos] == '/' || m_text.substr(m_pos).starts_with("\u00F7")) {
            bad("division is not supported; use +, - or *");
        } else if (m_text[m_pos] == '.' || m_text[m_pos] == ',') {
            bad("only whole numbers are supported");
        } else {
            bad("only whole numbers, +, -, *, parentheses and spaces can stand here");
        }
    }
    void bad(const std::string& what) {
        m_kind = Tok::Bad;
        fail(what);
    }
    static bool isDigit(char c) { return c >= '0' && c <= '9'; }
    int64_t number() {
        int64_t v = 0;
        while (m_pos < m_text.size() && isDigit(m_text[m_pos])) {
            v = v * 10 + (m_text[m_pos] - '0');
            ++m_pos;
            ++m_column;
            if (v > kMaxLiteral) {
                fail("the number is too large");
                return 0;
            }
        }
        return v;
    }

    int32_t add(ExpressionNode n) {
        m_tree.nodes.push_back(n);
        return static_cast<int32_t>(m_tree.nodes.size()) - 1;
    }
    int32_t literal(int64_t v) {
        ExpressionNode n;
        n.value = v;
        return add(n);
    }
    int32_t binary(char op, int32_t left, int32_t right) {
        ExpressionNode n;
        n.kind = ExpressionNode::Kind::Operator;
        n.op = op;
        n.left = left;
        n.right = right;
        return add(n);
    }

    int32_t sum(int depth) {
        int32_t left = product(depth);
        while (!m_failed && (m_kind == Tok::Plus || m_kind == Tok::Minus)) {
            const char op = m_kind == Tok::Plus ? '+' : '-';
            next();
            left = binary(op, left, product(depth));
        }
        return left;
    }
    int32_t product(int depth) {
        int32_t left = factor(depth);
        while (!m_failed && m_kind == Tok::Times) {
            next();
            left = binary('*', left, factor(depth));
        }
        return left;
    }
    int32_t factor(int depth) {
        if (depth > kMaxDepth) fail("nested too deeply");
        if (m_failed) return literal(0);
        switch (m_kind) {
            case Tok::Number: {
                const int32_t n = literal(m_value);
                next();
                return n;
            }
            case Tok::Line: {
                ExpressionNode n;
                n.kind = ExpressionNode::Kind::Line;
                n.value = m_value;
                n.column = m_tokenColumn;
                next();
                return add(n);
            }
            case Tok::Plus: next(); return factor(depth + 1);
            case Tok::Minus: {
                next();
                const int32_t inner = factor(depth + 1);
                if (m_failed) return inner;
                ExpressionNode& n = m_tree.nodes[static_cast<size_t>(inner)];
                if (n.kind == ExpressionNode::Kind::Literal) {
                    n.value = -n.value;
                    return inner;
                }
                const int32_t zero = literal(0);
                return binary('-', zero, inner);
            }
            case Tok::Open: {
                const int32_t openColumn = m_tokenColumn;
                next();
                const int32_t inner = sum(depth + 1);
                if (!m_failed && m_kind != Tok::Close) {
                    if (m_kind == Tok::End) {
                        m_tokenColumn = openColumn;
                        fail("this ( is never closed");
                    } else {
                        fail("expected an operator or )");
                    }
                }
                next();
                return inner;
            }
            case Tok::End:
                fail(m_tree.nodes.empty() ? "nothing to calculate" : "a number is missing at the end");
                break;
            default: fail("expected a number or ("); break;
        }
        return literal(0);
    }

    std::string_view m_text;
    bool m_allowLines;
    size_t m_pos = 0;
    int32_t m_column = 1;
    int32_t m_tokenColumn = 1;
    Tok m_kind = Tok::End;
    int64_t m_value = 0;
    bool m_failed = false;
    Error m_error;
    ExpressionTree m_tree;
};

}  // namespace

Result<ExpressionTree> parseExpression(std::string_view text, bool allowLines) {
    return Parser(text, allowLines).parse();
}

namespace {
/// Calls for every node in reading order, without recursion: chains may be long.
template <class Enter, class Between, class Leave>
void inOrder(const ExpressionTree& tree, Enter enter, Between between, Leave leave) {
    struct Frame {
        int32_t node;
        int stage;
    };
    std::vector<Frame> stack{{tree.root, 0}};
    while (!stack.empty()) {
        Frame& f = stack.back();
        const ExpressionNode& n = tree.node(f.node);
        if (f.stage == 0) enter(f.node, stack.size() == 1);
        if (n.kind != ExpressionNode::Kind::Operator) {
            stack.pop_back();
            continue;
        }
        const int stage = f.stage++;
        const int32_t node = f.node;
        if (stage == 0) {
            stack.push_back({n.left, 0});
        } else if (stage == 1) {
            between(node);
            stack.push_back({n.right, 0});
        } else {
            const bool isRoot = stack.size() == 1;
            stack.pop_back();
            leave(node, isRoot);
        }
    }
}
}  // namespace

void numberOperators(ExpressionTree& tree) {
    int32_t count = 0;
    for (ExpressionNode& n : tree.nodes)
        if (n.kind == ExpressionNode::Kind::Operator) n.label = ++count;
    tree.nOperators = count;
}

std::string printExpression(const ExpressionTree& tree, bool withNumbers) {
    std::string out;
    inOrder(
        tree,
        [&](int32_t i, bool isRoot) {
            const ExpressionNode& n = tree.node(i);
            if (n.kind == ExpressionNode::Kind::Operator) {
                if (!isRoot) out += '(';
            } else {
                if (n.kind == ExpressionNode::Kind::Line) out += '$';
                out += std::to_string(n.value);
            }
        },
        [&](int32_t i) {
            const ExpressionNode& n = tree.node(i);
            if (withNumbers) out += '@' + std::to_string(n.label);
            out += n.op;
        },
        [&](int32_t, bool isRoot) {
            if (!isRoot) out += ')';
        });
    return out;
}

std::string printTyped(const ExpressionTree& tree) {
    using Kind = ExpressionNode::Kind;
    std::vector<bool> enclosed(tree.nodes.size(), false);
    auto isMinus = [&](const ExpressionNode& n) {
        return n.op == '-' && tree.node(n.left).kind == Kind::Literal && tree.node(n.left).value == 0 &&
               tree.node(n.right).kind == Kind::Operator;
    };
    for (const ExpressionNode& n : tree.nodes) {
        if (n.kind != Kind::Operator) continue;
        for (const int32_t child : {n.left, n.right}) {
            const ExpressionNode& c = tree.node(child);
            if (c.kind != Kind::Operator) continue;
            const bool right = child == n.right;
            const bool weaker = c.op != '*' && (n.op == '*' || right);
            enclosed[static_cast<size_t>(child)] =
                isMinus(n) || (!isMinus(c) && (weaker || (right && c.op == '*' && n.op == '*')));
        }
    }
    std::string out;
    inOrder(
        tree,
        [&](int32_t i, bool) {
            const ExpressionNode& n = tree.node(i);
            if (enclosed[static_cast<size_t>(i)]) out += '(';
            if (n.kind == Kind::Operator) return;
            if (n.kind == Kind::Line) out += '$';
            out += std::to_string(n.value);
        },
        [&](int32_t i) {
            const ExpressionNode& n = tree.node(i);
            if (isMinus(n)) out.pop_back();  // the zero
            out += n.op;
        },
        [&](int32_t i, bool) {
            if (enclosed[static_cast<size_t>(i)]) out += ')';
        });
    return out;
}

}  // namespace spanscope
