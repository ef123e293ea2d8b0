#include "engine/types/mask_policy_spec.h"

#include <algorithm>
#include <charconv>

namespace spanscope {

namespace {

constexpr size_t kLongestName = 32;

bool isNameCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

}  // namespace

std::string MaskPolicySpec::text() const {
    return n > 0 ? name + "=" + std::to_string(n) + (percent ? "%" : "") : name;
}

std::optional<MaskPolicySpec> MaskPolicySpec::parse(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    if (name.empty() || name.size() > kLongestName || !std::all_of(name.begin(), name.end(), isNameCharacter))
        return std::nullopt;
    MaskPolicySpec spec{std::string(name), 0, false};
    if (equals == std::string_view::npos) return spec;
    std::string_view number = text.substr(equals + 1);
    if (number.ends_with('%')) {
        spec.percent = true;
        number.remove_suffix(1);
    }
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, spec.n);
    if (number.empty() || error != std::errc() || stop != end || spec.n < 0 ||
        (spec.percent && (spec.n < 1 || spec.n > 100)))
        return std::nullopt;
    return spec;
}

}  // namespace spanscope
