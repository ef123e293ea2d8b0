// Which mask policy a run has, as a value: a name and for some a number, "dense", "declared", "keep=512", "quest=25%".
// What the names mean is engine/policy's business; a recording names a policy that this program need not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spanscope {

/// Tokens that "lossless" drafts at most before a pass over all of them.
inline constexpr int32_t kMostDrafted = 16;

struct MaskPolicySpec {
    std::string name = "declared";
    int32_t n = 0;         ///< 0: no number was given
    bool percent = false;  ///< n is a share of the context, not a number of tokens

    /// Plain causal attention: what every speed-up is measured against.
    static MaskPolicySpec dense() { return {"dense", 0, false}; }
    /// What the model names; the mask rule of docs/protocol.md.
    static MaskPolicySpec declared() { return {"declared", 0, false}; }
    /// Dense's own output, drafted under what the model names; nDrafted 0: as many as pay.
    static MaskPolicySpec lossless(int32_t nDrafted = 0) { return {"lossless", nDrafted, false}; }
    bool isLossless() const { return name == "lossless"; }
    /// Items that a backend decodes together for one run of it.
    int32_t itemsTogether() const { return isLossless() ? (n > 0 ? n : kMostDrafted) + 1 : 1; }
    bool isDense() const { return *this == dense(); }
    bool isDeclared() const { return *this == declared(); }

    bool operator==(const MaskPolicySpec&) const = default;

    /// As a person writes it and every file has it.
    std::string text() const;
    /// Inverse of text(): lower-case letters, digits and hyphens, then perhaps "=" and a number of 0 or more, then
    /// perhaps "%". Nothing where the text has another form, or a share above 100.
    static std::optional<MaskPolicySpec> parse(std::string_view text);
};

}  // namespace spanscope
