#include "engine/training/arithmetic_work.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <vector>

#include "engine/tasks/arithmetic.h"

namespace spanscope {

namespace {

using Digits = std::vector<int>;  // least significant first, at least one

Digits digitsOf(uint64_t magnitude) {
    Digits d;
    do {
        d.push_back(static_cast<int>(magnitude % 10));
        magnitude /= 10;
    } while (magnitude > 0);
    return d;
}

uint64_t magnitudeOf(int64_t v) { return v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v); }

int at(const Digits& d, size_t place) { return place < d.size() ? d[place] : 0; }

void column(std::string& out, int x, int y, int r, int c) {
    for (int v : {x, y, r, c}) out += static_cast<char>('0' + v);
}

/// Writes the columns of x + y and returns the sum's digits.
Digits addColumns(std::string& out, const Digits& x, const Digits& y) {
    Digits sum;
    int carry = 0;
    for (size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
        const int s = at(x, i) + at(y, i) + carry;
        carry = s / 10;
        column(out, at(x, i), at(y, i), s % 10, carry);
        sum.push_back(s % 10);
    }
    if (carry) sum.push_back(carry);
    return sum;
}

/// Writes pairs of digits from the highest place to the first that differ; true where left is not the smaller one.
bool comparePairs(std::string& out, const Digits& left, const Digits& right) {
    for (size_t place = std::max(left.size(), right.size()); place-- > 0;) {
        out += static_cast<char>('0' + at(left, place));
        out += static_cast<char>('0' + at(right, place));
        if (at(left, place) != at(right, place)) return at(left, place) > at(right, place);
    }
    return true;
}

void subtractColumns(std::string& out, const Digits& larger, const Digits& smaller) {
    int borrow = 0;
    for (size_t i = 0; i < larger.size(); ++i) {
        int d = at(larger, i) - at(smaller, i) - borrow;
        borrow = d < 0 ? 1 : 0;
        if (d < 0) d += 10;
        column(out, at(larger, i), at(smaller, i), d, borrow);
    }
}

void multiplyColumns(std::string& out, const Digits& x, const Digits& y) {
    Digits sum;
    for (size_t place = 0; place < y.size(); ++place) {
        if (place > 0) out += '*';
        Digits partial(place, 0);
        int carry = 0;
        for (int xd : x) {
            const int p = xd * y[place] + carry;
            carry = p / 10;
            column(out, xd, y[place], p % 10, carry);
            partial.push_back(p % 10);
        }
        if (carry) partial.push_back(carry);
        if (place == 0) {
            sum = partial;
        } else {
            out += '+';
            sum = addColumns(out, sum, partial);
        }
    }
}

}  // namespace

std::string writeWork(int64_t a, char op, int64_t b) {
    const std::optional<int64_t> value = applyOperator(a, op, b);
    assert(value);
    const Digits da = digitsOf(magnitudeOf(a));
    const Digits db = digitsOf(magnitudeOf(b));
    const char sign = *value < 0 ? '-' : '+';
    std::string out;
    if (op == '*') {
        out = {'*', sign};
        const bool leftFirst = da.size() >= db.size();
        multiplyColumns(out, leftFirst ? da : db, leftFirst ? db : da);
    } else if ((a < 0) == (op == '-' ? b >= 0 : b < 0)) {
        out = {'+', sign};
        addColumns(out, da, db);
    } else {
        out = '-';
        const bool leftLarger = comparePairs(out, da, db);
        out += sign;
        subtractColumns(out, leftLarger ? da : db, leftLarger ? db : da);
    }
    out += '=';
    out += std::to_string(*value);
    return out;
}

}  // namespace spanscope
