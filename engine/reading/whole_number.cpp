#include "engine/reading/whole_number.h"

#include <algorithm>

namespace spanscope {

namespace {

constexpr uint32_t kBase = 1'000'000'000;
constexpr size_t kLimbDigits = 9;
using Limbs = std::vector<uint32_t>;

void trim(Limbs& limbs) {
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
}

/// Less than 0, 0 or more, as a is smaller than, equal to or larger than b.
int compare(const Limbs& a, const Limbs& b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    for (size_t i = a.size(); i-- > 0;)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

Limbs sum(const Limbs& a, const Limbs& b) {
    Limbs out;
    uint32_t carry = 0;
    for (size_t i = 0; i < std::max(a.size(), b.size()) || carry; ++i) {
        const uint32_t s = (i < a.size() ? a[i] : 0) + (i < b.size() ? b[i] : 0) + carry;
        out.push_back(s % kBase);
        carry = s / kBase;
    }
    return out;
}

/// larger - smaller.
Limbs difference(const Limbs& larger, const Limbs& smaller) {
    Limbs out;
    uint32_t borrow = 0;
    for (size_t i = 0; i < larger.size(); ++i) {
        const uint32_t take = (i < smaller.size() ? smaller[i] : 0) + borrow;
        borrow = larger[i] < take ? 1 : 0;
        out.push_back(larger[i] + borrow * kBase - take);
    }
    trim(out);
    return out;
}

Limbs product(const Limbs& a, const Limbs& b) {
    Limbs out(a.size() + b.size(), 0);
    for (size_t i = 0; i < a.size(); ++i) {
        uint64_t carry = 0;
        for (size_t k = 0; k < b.size() || carry; ++k) {
            const uint64_t s = out[i + k] + carry + (k < b.size() ? uint64_t{a[i]} * b[k] : 0);
            out[i + k] = static_cast<uint32_t>(s % kBase);
            carry = s / kBase;
        }
    }
    trim(out);
    return out;
}

size_t nDigits(const Limbs& limbs) {
    if (limbs.empty()) return 1;
    return (limbs.size() - 1) * kLimbDigits + std::to_string(limbs.back()).size();
}

}  // namespace

WholeNumber::WholeNumber(int64_t value) : m_negative(value < 0) {
    for (uint64_t v = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value); v; v /= kBase)
        m_limbs.push_back(static_cast<uint32_t>(v % kBase));
}

std::optional<WholeNumber> WholeNumber::parse(std::string_view text) {
    WholeNumber n;
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    if (text.empty() || text.size() > kMostDigits) return std::nullopt;
    for (char c : text)
        if (c < '0' || c > '9') return std::nullopt;
    for (size_t end = text.size(); end > 0;) {
        const size_t begin = end > kLimbDigits ? end - kLimbDigits : 0;
        uint32_t limb = 0;
        for (size_t i = begin; i < end; ++i) limb = limb * 10 + static_cast<uint32_t>(text[i] - '0');
        n.m_limbs.push_back(limb);
        end = begin;
    }
    trim(n.m_limbs);
    n.m_negative = negative && !n.m_limbs.empty();
    return n;
}

std::string WholeNumber::text() const {
    if (m_limbs.empty()) return "0";
    std::string out = (m_negative ? "-" : "") + std::to_string(m_limbs.back());
    for (size_t i = m_limbs.size() - 1; i-- > 0;) {
        const std::string limb = std::to_string(m_limbs[i]);
        out.append(kLimbDigits - limb.size(), '0');
        out += limb;
    }
    return out;
}

std::optional<WholeNumber> apply(const WholeNumber& a, char op, const WholeNumber& b) {
    WholeNumber out;
    if (op == '*') {
        out.m_limbs = product(a.m_limbs, b.m_limbs);
        out.m_negative = a.m_negative != b.m_negative;
    } else if (op == '+' || op == '-') {
        const bool bNegative = op == '-' ? !b.m_negative : b.m_negative;
        if (a.m_negative == bNegative) {
            out.m_limbs = sum(a.m_limbs, b.m_limbs);
            out.m_negative = a.m_negative;
        } else {
            const bool aLarger = compare(a.m_limbs, b.m_limbs) >= 0;
            out.m_limbs = aLarger ? difference(a.m_limbs, b.m_limbs) : difference(b.m_limbs, a.m_limbs);
            out.m_negative = aLarger ? a.m_negative : bNegative;
        }
    } else {
        return std::nullopt;
    }
    if (out.m_limbs.empty()) out.m_negative = false;
    if (nDigits(out.m_limbs) > WholeNumber::kMostDigits) return std::nullopt;
    return out;
}

}  // namespace spanscope
