#include "engine/reading/column_arithmetic.h"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace spanscope {

namespace {

constexpr size_t kMostCharacters = 4096;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
int valueOf(char c) { return c - '0'; }
std::string textOf(int digit) { return std::string(1, static_cast<char>('0' + digit)); }

/// Digits of a written number, least significant first.
std::vector<int> magnitude(std::string_view number) {
    std::vector<int> digits;
    for (size_t i = number.size(); i-- > 0 && isDigit(number[i]);) digits.push_back(valueOf(number[i]));
    while (digits.size() > 1 && digits.back() == 0) digits.pop_back();
    return digits;
}
int digitAt(const std::vector<int>& digits, size_t place) { return place < digits.size() ? digits[place] : 0; }
bool isNegative(std::string_view number) { return number.starts_with('-'); }
int compare(const std::vector<int>& a, const std::vector<int>& b) {
    for (size_t place = std::max(a.size(), b.size()); place-- > 0;)
        if (digitAt(a, place) != digitAt(b, place)) return digitAt(a, place) < digitAt(b, place) ? -1 : 1;
    return 0;
}

/// `x y r c` as written; at: of x, in the working.
struct Column {
    int x = 0, y = 0, r = 0, c = 0;
    int32_t at = 0;
};
using Columns = std::vector<Column>;

class Writer {
  public:
    explicit Writer(const WrittenStep& step)
        : m_text(step.working->text),
          m_left(magnitude(step.left.text)),
          m_right(magnitude(step.right.text)),
          m_op(step.op.text[0]),
          m_leftNegative(isNegative(step.left.text)),
          m_rightNegative(isNegative(step.right.text)) {}

    std::optional<ColumnArithmetic> write() {
        if (m_text.size() < 2) return std::nullopt;
        const bool ok = m_text[0] == '+'   ? sum()
                        : m_text[0] == '-' ? difference()
                        : m_text[0] == '*' ? product()
                                           : false;
        if (!ok) return std::nullopt;
        size_t width = 0;
        for (const WorkRow& row : m_out.rows)
            if (row.kind != WorkRow::Kind::Compare) width = std::max(width, row.cells.size());
        for (WorkRow& row : m_out.rows) {
            if (row.kind == WorkRow::Kind::Rule) row.cells.assign(width, WorkCell{"\u2500", 0, 0, {}});
            else if (row.kind != WorkRow::Kind::Compare) {  // least significant first until now, the sign last
                WorkCell sign = std::move(row.cells.back());
                row.cells.back() = WorkCell();
                row.cells.resize(width);
                row.cells.back() = std::move(sign);
                std::reverse(row.cells.begin(), row.cells.end());
            }
            for (const WorkCell& cell : row.cells) m_out.nWrong += cell.wrong.empty() ? 0 : 1;
        }
        return std::move(m_out);
    }

  private:
    using Kind = WorkRow::Kind;

    bool takeColumns(Columns& columns) {
        while (m_at + 4 <= m_text.size() && isDigit(m_text[m_at])) {
            for (size_t i = 1; i < 4; ++i)
                if (!isDigit(m_text[m_at + i])) return false;
            columns.push_back({valueOf(m_text[m_at]), valueOf(m_text[m_at + 1]), valueOf(m_text[m_at + 2]),
                               valueOf(m_text[m_at + 3]), static_cast<int32_t>(m_at)});
            m_at += 4;
        }
        return !columns.empty();
    }
    bool takeSign() {
        if (m_at >= m_text.size() || (m_text[m_at] != '+' && m_text[m_at] != '-')) return false;
        m_signAt = static_cast<int32_t>(m_at);
        m_negative = m_text[m_at++] == '-';
        return true;
    }

    static WorkCell cell(int written, int expected, int32_t first, int32_t end) {
        return {textOf(written), first, end, written == expected ? std::string() : "should be " + textOf(expected)};
    }
    /// Of the form alone.
    static WorkCell mark(const char* text) { return {text, 0, 0, {}}; }
    WorkCell signCell(const char* minus, bool expectedNegative) const {
        WorkCell c{m_negative ? minus : " ", m_signAt, m_signAt + 1, {}};
        if (m_negative != expectedNegative) {
            if (!m_negative) c.text = "+";
            c.wrong = expectedNegative ? "the result is negative" : "the result is not negative";
        }
        return c;
    }
    /// Leading zeros that are right are left blank, as a pupil leaves them; one digit stays.
    static void blankZeros(std::vector<WorkCell>& cells) {
        for (size_t i = cells.size();
             i-- > 1 && cells[i].wrong.empty() && (cells[i].text == "0" || cells[i].text == " ");)
            cells[i].text = " ";
    }

    /// The carries, where any is not zero, and the result digits of columns whose right values are given. shift: empty
    /// places on the right. `digits` gets what was written, the last carry included. whole: the result's cells stand
    /// for the whole column, not for its result digit.
    template <class Right>
    void addColumns(const Columns& columns, size_t shift, bool carryGoesOn, bool whole, const Right& right,
                    WorkRow result, WorkCell sign, std::vector<int>& digits) {
        WorkRow carries{Kind::Carry, {}, {}};
        int carry = 0;
        bool any = false;
        result.cells.resize(shift);
        carries.cells.resize(shift + 1);
        digits.assign(shift, 0);
        for (size_t i = 0; i < columns.size(); ++i) {
            const Column& c = columns[i];
            const auto [r, next, why] = right(c, i, carry);
            const bool last = i + 1 == columns.size();
            const bool showCarry = (c.c != 0 || c.c != next) && !(last && carryGoesOn);
            WorkCell digit =
                cell(c.r, r, whole ? c.at : c.at + 2, showCarry || (last && carryGoesOn && c.c) ? c.at + 3 : c.at + 4);
            if (!why.empty()) digit.wrong = digit.wrong.empty() ? why : digit.wrong + "; " + why;
            result.cells.push_back(std::move(digit));
            if (last && carryGoesOn) {
                if (c.c != 0 || c.c != next) result.cells.push_back(cell(c.c, next, c.at + 3, c.at + 4));
            } else {
                carries.cells.push_back(showCarry ? cell(c.c, next, c.at + 3, c.at + 4) : WorkCell());
                any = any || showCarry;
            }
            digits.push_back(c.r);
            carry = c.c;
        }
        if (carryGoesOn && carry) digits.push_back(carry);
        if (any) {
            carries.cells.push_back(WorkCell());
            m_out.rows.push_back(std::move(carries));
        }
        blankZeros(result.cells);
        result.cells.push_back(std::move(sign));
        m_out.rows.push_back(std::move(result));
    }

    WorkRow operandRow(const Columns& columns, bool upper, const std::vector<int>& digits, WorkCell sign) {
        WorkRow row{Kind::Operand, {}, {}};
        for (size_t i = 0; i < columns.size(); ++i) {
            const int32_t at = columns[i].at + (upper ? 0 : 1);
            row.cells.push_back(cell(upper ? columns[i].x : columns[i].y, digitAt(digits, i), at, at + 1));
        }
        blankZeros(row.cells);
        row.cells.push_back(std::move(sign));
        return row;
    }
    void rule() { m_out.rows.push_back({Kind::Rule, {}, {}}); }

    bool rightNegativeAsUsed() const { return m_op == '-' ? !m_rightNegative : m_rightNegative; }
    /// The operation that the working says, where another was due.
    WorkCell operation(const char* text, char expected) const {
        WorkCell c{text, 0, 1, {}};
        if (m_text[0] != expected)
            c.wrong = expected == '+'   ? "the magnitudes are to be added"
                      : expected == '-' ? "the magnitudes are to be subtracted"
                                        : "the numbers are to be multiplied";
        return c;
    }
    char expectedOperation() const {
        if (m_op == '*') return '*';
        return m_leftNegative == rightNegativeAsUsed() ? '+' : '-';
    }

    bool sum() {
        m_at = 1;
        Columns columns;
        if (!takeSign() || !takeColumns(columns) || m_at != m_text.size()) return false;
        m_out.rows.push_back(operandRow(columns, true, m_left, WorkCell()));
        m_out.rows.push_back(operandRow(columns, false, m_right, operation("+", expectedOperation())));
        rule();
        std::vector<int> digits;
        addColumns(
            columns, 0, true, false,
            [](const Column& c, size_t, int carry) {
                const int s = c.x + c.y + carry;
                return std::tuple(s % 10, s / 10, std::string());
            },
            {Kind::Result, {}, {}}, signCell("\u2212", m_leftNegative), digits);
        placeCarriesOnTop(0);
        return true;
    }

    bool difference() {
        WorkRow row{Kind::Compare, {}, {}};
        m_at = 1;
        const size_t places = std::max(m_left.size(), m_right.size());
        for (size_t i = 0; m_at + 2 <= m_text.size() && isDigit(m_text[m_at]) && isDigit(m_text[m_at + 1]);
             ++i, m_at += 2) {
            const int a = valueOf(m_text[m_at]), b = valueOf(m_text[m_at + 1]);
            const auto at = static_cast<int32_t>(m_at);
            const bool inside = i < places;
            if (i > 0) row.cells.push_back(WorkCell());
            row.cells.push_back(cell(a, inside ? digitAt(m_left, places - 1 - i) : a, at, at + 1));
            row.cells.push_back(mark(a < b ? "<" : a > b ? ">" : "="));
            row.cells.push_back(cell(b, inside ? digitAt(m_right, places - 1 - i) : b, at + 1, at + 2));
            if (!inside) row.cells.back().wrong = "there are no more digits to compare";
        }
        Columns columns;
        if (row.cells.empty() || !takeSign() || !takeColumns(columns) || m_at != m_text.size()) return false;
        m_out.rows.push_back(std::move(row));
        const bool leftLarger = compare(m_left, m_right) >= 0;
        m_out.rows.push_back(operandRow(columns, true, leftLarger ? m_left : m_right, WorkCell()));
        m_out.rows.push_back(
            operandRow(columns, false, leftLarger ? m_right : m_left, operation("\u2212", expectedOperation())));
        rule();
        const bool negative = compare(m_left, m_right) != 0 && (leftLarger ? m_leftNegative : rightNegativeAsUsed());
        std::vector<int> digits;
        addColumns(
            columns, 0, false, false,
            [](const Column& c, size_t, int borrow) {
                const int d = c.x - c.y - borrow;
                return std::tuple((d + 20) % 10, d < 0 ? 1 : 0, std::string());
            },
            {Kind::Result, {}, {}}, signCell("\u2212", negative), digits);
        placeCarriesOnTop(1);
        return true;
    }

    /// Carries and borrows of one sum stand above its operands, which begin at row `first`.
    void placeCarriesOnTop(size_t first) {
        auto& rows = m_out.rows;
        if (rows[rows.size() - 2].kind != Kind::Carry) return;
        std::rotate(rows.begin() + static_cast<std::ptrdiff_t>(first), rows.end() - 2, rows.end() - 1);
    }

    bool product() {
        m_at = 1;
        if (!takeSign()) return false;
        struct Block {
            Columns product, sum;
        };
        std::vector<Block> blocks;
        do {
            Block block;
            if (!blocks.empty()) ++m_at;  // the "*"
            if (!takeColumns(block.product)) return false;
            if (!blocks.empty()) {
                if (m_at >= m_text.size() || m_text[m_at++] != '+' || !takeColumns(block.sum)) return false;
            }
            blocks.push_back(std::move(block));
        } while (m_at < m_text.size() && m_text[m_at] == '*');
        if (m_at != m_text.size()) return false;

        const bool leftFirst = m_left.size() >= m_right.size();
        const std::vector<int>& many = leftFirst ? m_left : m_right;
        const std::vector<int>& few = leftFirst ? m_right : m_left;
        m_out.rows.push_back(operandRow(blocks[0].product, true, many, WorkCell()));
        WorkRow multiplier{Kind::Operand, {}, {}};
        for (size_t k = 0; k < blocks.size(); ++k) {
            const Column& c = blocks[k].product[0];
            multiplier.cells.push_back(cell(c.y, digitAt(few, k), c.at + 1, c.at + 2));
        }
        multiplier.cells.push_back(operation("\u00d7", expectedOperation()));
        m_out.rows.push_back(std::move(multiplier));
        rule();
        const bool negative = m_leftNegative != m_rightNegative && few != std::vector{0} && many != std::vector{0};
        std::vector<int> total;
        for (size_t k = 0; k < blocks.size(); ++k) {
            const int m = blocks[k].product[0].y;
            std::vector<int> partial;
            WorkRow row{blocks.size() == 1 ? Kind::Result : Kind::Operand, {}, {}};
            if (blocks.size() > 1) row.about = plain(many) + " \u00d7 " + textOf(m);
            addColumns(
                blocks[k].product, k, true, true,
                [&](const Column& c, size_t i, int carry) {
                    const int p = c.x * c.y + carry;
                    std::string why;
                    if (c.x != digitAt(many, i) || c.y != m)
                        why = "worked out from " + textOf(c.x) + " \u00d7 " + textOf(c.y);
                    return std::tuple(p % 10, p / 10, why);
                },
                std::move(row), blocks.size() == 1 ? signCell("\u2212", negative) : mark(k == 0 ? " " : "+"), partial);
            if (k == 0) {
                total = partial;
                continue;
            }
            rule();
            const std::vector<int> before = total;
            const bool last = k + 1 == blocks.size();
            addColumns(
                blocks[k].sum, 0, true, true,
                [&](const Column& c, size_t i, int carry) {
                    const int s = c.x + c.y + carry;
                    std::string why;
                    if (c.x != digitAt(before, i) || c.y != digitAt(partial, i))
                        why = "worked out from " + textOf(c.x) + " + " + textOf(c.y);
                    return std::tuple(s % 10, s / 10, why);
                },
                {last ? Kind::Result : Kind::Operand, {}, {}}, last ? signCell("\u2212", negative) : WorkCell(), total);
        }
        return true;
    }

    static std::string plain(const std::vector<int>& digits) {
        std::string out;
        for (size_t i = digits.size(); i-- > 0;) out += textOf(digits[i]);
        return out;
    }

    const std::string& m_text;
    std::vector<int> m_left, m_right;
    char m_op;
    bool m_leftNegative, m_rightNegative;
    size_t m_at = 0;
    int32_t m_signAt = 0;
    bool m_negative = false;
    ColumnArithmetic m_out;
};

}  // namespace

std::optional<ColumnArithmetic> columnArithmetic(const WrittenStep& step) {
    if (!step.working || step.working->text.size() > kMostCharacters) return std::nullopt;
    return Writer(step).write();
}

}  // namespace spanscope
