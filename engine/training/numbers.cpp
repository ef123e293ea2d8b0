#include "engine/training/numbers.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spanscope {

namespace {

constexpr int kTries = 5;

int64_t power(int digits) {
    int64_t p = 1;
    while (digits-- > 0) p *= 10;
    return p;
}

}  // namespace

NumberStyle NumberStyle::draw(Random& random, int minDigits, int maxDigits) {
    NumberStyle s;
    s.digits = static_cast<int>(random.range(minDigits, maxDigits));
    s.negative = random.pick(std::vector<int>{0, 0, 15, 15, 50});
    s.special = random.pick(std::vector<int>{0, 8, 8, 8, 40});
    s.zero = random.pick(std::vector<int>{0, 0, 0, 0, 0, 30});
    s.byResult = random.pick(std::vector<int>{0, 40, 40, 80});
    s.close = random.pick(std::vector<int>{0, 6, 6, 6, 60});
    s.minus = random.pick(std::vector<int>{0, 3, 3, 25});
    // Every mix of operators; all three, and plus and minus, more often.
    s.operators = random.pick(
        std::vector<std::string_view>{"+-*", "+-*", "+-*", "+-*", "+-*", "+-", "+-", "+-", "+", "-", "*", "+*", "-*"});
    s.fewZeros = s.operators == "*";
    const int64_t sequence = random.range(0, 99);
    if (sequence < 30) s.sequence = sequence < 16 ? Sequence::Repeated : Sequence::Counting;
    return s;
}

NumberSource::NumberSource(Random& random, const NumberStyle& style, int64_t limit)
    : m_random(random), m_style(style), m_limit(limit) {
    if (m_style.sequence == NumberStyle::Sequence::None) return;
    NumberStyle plain = style;
    plain.sequence = NumberStyle::Sequence::None;
    NumberSource numbers(random, plain, limit);
    const int64_t n = random.pick(std::vector<int>{1, 1, 2, 3});
    for (int64_t i = 0; i < n; ++i) m_repeated.push_back(numbers.literal(literals()));
    m_next = random.chance(50) ? 1 : m_repeated.front();
    m_step = random.pick(std::vector<int>{1, 1, 1, 1, -1, -1, 2, 10});
}

std::optional<int64_t> NumberSource::ofSequence(ValueRange range) {
    if (m_style.sequence == NumberStyle::Sequence::Repeated) {
        const int64_t v = m_random.pick(m_repeated);
        if (range.has(v)) return v;
    }
    if (m_style.sequence == NumberStyle::Sequence::Counting && range.has(m_next)) {
        m_next += m_step;
        return m_next - m_step;
    }
    return std::nullopt;
}

int64_t NumberSource::magnitude(int digits) {
    if (m_random.chance(m_style.zero)) return m_random.chance(60) ? 0 : 1;
    if (m_random.chance(m_style.special)) {
        const int n = static_cast<int>(m_random.range(1, digits));
        const int64_t d = m_random.range(1, 9);
        switch (m_random.range(0, 7)) {
            case 0: return 0;
            case 1: return 1;
            case 2: return power(n - 1);                                                   // 10, 100, 1000
            case 3: return power(n) - 1;                                                   // 99, 999, the limit
            case 4: return d * power(n - 1);                                               // 300
            case 5: return d * (power(n) - 1) / 9;                                         // 4444
            case 6: return std::max<int64_t>(0, d * power(n - 1) - m_random.range(1, 9));  // 2996
            default: return d * power(n - 1) + m_random.range(0, 9);                       // 2003
        }
    }
    const int n = m_random.chance(60) ? digits : static_cast<int>(m_random.range(1, digits));
    return m_random.range(n == 1 ? 0 : power(n - 1), power(n) - 1);
}

int64_t NumberSource::literal(ValueRange range) { return literalOf(range, m_style.digits); }

int64_t NumberSource::literalOf(ValueRange range, int digits) {
    if (const auto v = ofSequence(range)) return *v;
    if (m_style.negative == 0 && range.max >= 0) range.min = std::max<int64_t>(range.min, 0);
    for (int i = 0; i < kTries; ++i) {
        int64_t m = std::min(magnitude(digits), m_limit);
        if (m == 0 && m_style.fewZeros && m_random.chance(97)) m = m_random.range(1, 3);
        const int64_t v = m_random.chance(m_style.negative) ? -m : m;
        if (range.has(v)) return v;
        if (m_style.negative > 0 && range.has(-v)) return -v;
    }
    const int64_t v = m_random.range(range.min, range.max);
    return v == 0 && m_style.fewZeros && range.has(1) ? 1 : v;
}

int64_t NumberSource::result(ValueRange range) {
    for (int i = 0; i < kTries; ++i) {
        int64_t m = 0;
        if (m_random.chance(m_style.close))
            m = m_random.chance(40) ? 0 : m_random.range(1, m_random.chance(70) ? 9 : 99);
        else m = std::min(magnitude(m_style.digits), m_limit);
        const int64_t v = m_random.chance(50) ? -m : m;
        if (range.has(v)) return v;
        if (range.has(-v)) return -v;
    }
    return m_random.range(range.min, range.max);
}

int64_t NumberSource::addend(int64_t value, char op, bool literalIsLeft, ValueRange results) {
    auto forResult = [&](int64_t r) { return op == '+' ? r - value : literalIsLeft ? r + value : value - r; };
    const int64_t a = forResult(results.min), b = forResult(results.max);
    const ValueRange fitting{std::max(std::min(a, b), -m_limit), std::min(std::max(a, b), m_limit)};
    ValueRange wanted{std::max(fitting.min, literals().min), fitting.max};
    if (wanted.min > wanted.max) wanted = fitting;  // nothing without a minus will do
    if (const auto v = ofSequence(wanted)) return *v;
    if (m_random.chance(std::max(m_style.byResult, m_style.close))) {
        for (int i = 0; i < kTries; ++i) {
            const int64_t v = forResult(result(results));
            if (wanted.has(v)) return v;
        }
    }
    return literal(wanted);
}

ValueRange factorsWithin(int64_t value, ValueRange results, int64_t limit) {
    if (value == 0) return {-limit, limit};
    const int64_t a = results.min / value, b = results.max / value;  // towards zero, and zero is among the results
    return {std::max(std::min(a, b), -limit), std::min(std::max(a, b), limit)};
}

int64_t NumberSource::factor(int64_t value, ValueRange results) {
    ValueRange fitting = factorsWithin(value, results, m_limit);
    if (m_style.negative == 0 && fitting.max > 0) fitting.min = std::max<int64_t>(fitting.min, 0);
    // As many digits as the range holds, evenly; without this most products would have the longest factors.
    const int64_t most = std::max(fitting.max, -fitting.min);
    int digits = 1;
    while (digits < m_style.digits && power(digits) <= most) ++digits;
    return literalOf(fitting, m_random.chance(50) ? digits : static_cast<int>(m_random.range(1, digits)));
}

int64_t NumberSource::firstFactor(ValueRange results) {
    const auto most = static_cast<double>(std::max<int64_t>({results.max, -results.min, 1}));
    const double share = static_cast<double>(m_random.range(20, 100)) / 100;
    return std::min<int64_t>(m_limit, static_cast<int64_t>(std::pow(most, share) + 0.5));
}

}  // namespace spanscope
