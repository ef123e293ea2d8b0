// Numbers of generated problems: drawn evenly by digit count, sign and role, never beyond the limit. An operand can be
// drawn for what it is or for the result that it brings about, so that both are even.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/training/random.h"

namespace spanscope {

/// Closed, never empty.
struct ValueRange {
    int64_t min = 0;
    int64_t max = 0;
    bool has(int64_t v) const { return v >= min && v <= max; }
};

/// How the numbers of one problem look. Percentages.
struct NumberStyle {
    int digits = 4;                      ///< most digits of a literal
    int negative = 15;                   ///< literals with a minus
    int special = 8;                     ///< 0, 1, powers of ten, repeated digits, the limit and the like
    int zero = 0;                        ///< plain zeros and ones on top of that
    bool fewZeros = false;               ///< products: a zero is the end of all that follows
    int byResult = 40;                   ///< literals chosen for the result
    int close = 5;                       ///< sums and differences that come out at 0 or next to it
    int minus = 3;                       ///< operations that are -(...)
    std::string_view operators = "+-*";  ///< drawn evenly
    enum class Sequence : uint8_t { None, Repeated, Counting };
    Sequence sequence = Sequence::None;  ///< the same one to three numbers, or numbers that count up or down

    /// A style of its own for every problem: mostly plain, sometimes one thing far more often than people do it.
    static NumberStyle draw(Random& random, int minDigits, int maxDigits);
};

class NumberSource {
  public:
    NumberSource(Random& random, const NumberStyle& style, int64_t limit);

    /// A literal of the style inside `range`; where its own draws do not fall there, any number of the range.
    int64_t literal(ValueRange range);
    /// The literal of `value op literal` (or `literal op value`), so that the result lies in `results`, which must be
    /// reachable. op: '+' or '-'.
    int64_t addend(int64_t value, char op, bool literalIsLeft, ValueRange results);
    /// A literal whose product with `value` lies in `results`, which must have zero in it.
    int64_t factor(int64_t value, ValueRange results);
    /// Largest magnitude to give the first factor of a product that must stay in `results`.
    int64_t firstFactor(ValueRange results);

    char oneOperator() { return m_random.pick(m_style.operators); }
    ValueRange literals() const { return {m_style.negative > 0 ? -m_limit : 0, m_limit}; }
    ValueRange everything() const { return {-m_limit, m_limit}; }
    const NumberStyle& style() const { return m_style; }

  private:
    int64_t magnitude(int digits);
    int64_t result(ValueRange range);
    int64_t literalOf(ValueRange range, int digits);
    std::optional<int64_t> ofSequence(ValueRange range);

    Random& m_random;
    NumberStyle m_style;
    int64_t m_limit;
    std::vector<int64_t> m_repeated;
    int64_t m_next = 1, m_step = 1;  ///< counting
};

/// Multiples of a value that stay in a range with zero in it: what the other factor may be, not beyond `limit`.
ValueRange factorsWithin(int64_t value, ValueRange results, int64_t limit);

}  // namespace spanscope
