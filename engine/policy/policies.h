// The table of mask policies: names, what they mean, what they need, and how one is made. Command line, bench and runs
// go through it; adding a row adds the policy everywhere. Any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/policy/mask_policy.h"
#include "engine/types/mask_policy_spec.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

/// N of "name=N".
enum class PolicyNumber : uint8_t {
    None,
    Tokens,     ///< needed: tokens, 1 or more
    OwnBudget,  ///< needed: tokens, or a share of the context in percent
    Budget,     ///< the same; without one each step reads as many tokens as its declared span has
    Drafted,    ///< up to kMostDrafted tokens; without one as many as pay
};

/// What a backend must be able to do (BackendInfo).
enum class PolicyNeeds : uint8_t { Nothing, KeySelection, ManyOfOne };

struct PolicyRow {
    std::string_view name;
    PolicyNumber number = PolicyNumber::None;
    std::string_view description;
    PolicyNeeds needs = PolicyNeeds::Nothing;
    std::unique_ptr<MaskPolicy> (*make)(const MaskPolicySpec& spec) = nullptr;
};
std::span<const PolicyRow> maskPolicies();

/// The text of a person. InvalidArgument: no such policy, or a number missing, too much or below 1.
Result<MaskPolicySpec> parseMaskPolicy(std::string_view text);

/// A policy that takes its budget from the declared span of each step.
bool readsAsDeclared(const MaskPolicySpec& spec);

/// InvalidArgument as parseMaskPolicy(); Unsupported: the policy needs something that the backend has not.
Result<std::unique_ptr<MaskPolicy>> makeMaskPolicy(const MaskPolicySpec& spec, const BackendInfo& backend);
/// The same question for one row.
Status checkCapabilities(const PolicyRow& row, const BackendInfo& backend);

/// "dense, declared, keep=N", for messages.
std::string maskPolicyNames();
/// The same with what each means, for help texts.
std::string maskPolicyHelp();

}  // namespace spanscope
