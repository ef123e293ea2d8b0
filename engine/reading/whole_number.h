// Whole numbers of any size up to a limit, exactly: what written arithmetic is held against. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spanscope {

class WholeNumber {
  public:
    /// Longer ones are not computed: a sheet that squares line after line would double them a hundred thousand times.
    static constexpr size_t kMostDigits = 200;

    WholeNumber() = default;  ///< zero
    explicit WholeNumber(int64_t value);
    /// "-"? digit+; nothing for anything else, or for more than kMostDigits digits.
    static std::optional<WholeNumber> parse(std::string_view text);

    /// Without leading zeros; "-" before a negative one.
    std::string text() const;
    bool isNegative() const { return m_negative; }
    bool operator==(const WholeNumber&) const = default;

    /// a op b; nothing for an unknown op, or where the value has more than kMostDigits digits. op: '+', '-', '*'.
    friend std::optional<WholeNumber> apply(const WholeNumber& a, char op, const WholeNumber& b);

  private:
    bool m_negative = false;
    std::vector<uint32_t> m_limbs;  ///< base 10^9, least significant first, no zeros at the end; empty: zero
};

std::optional<WholeNumber> apply(const WholeNumber& a, char op, const WholeNumber& b);

}  // namespace spanscope
