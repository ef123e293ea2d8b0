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

struct PolicyRow {
    std::string_view name;
    bool takesNumber = false;  ///< N of "name=N": tokens, 1 or more
    std::string_view description;
    bool needsPageScores = false;  ///< runs only where BackendInfo::pageScores
    std::unique_ptr<MaskPolicy> (*make)(int32_t n) = nullptr;
    int32_t optionalUpTo = 0;     ///< above 0: a number may be given, up to this one
    bool needsManyOfOne = false;  ///< runs only where BackendInfo::manyOfOne
};
std::span<const PolicyRow> maskPolicies();

/// The text of a person. InvalidArgument: no such policy, or a number missing, too much or below 1.
Result<MaskPolicySpec> parseMaskPolicy(std::string_view text);

/// InvalidArgument as parseMaskPolicy(); Unsupported: the policy needs something that the backend has not.
Result<std::unique_ptr<MaskPolicy>> makeMaskPolicy(const MaskPolicySpec& spec, const BackendInfo& backend);
/// The same question for one row.
Status checkCapabilities(const PolicyRow& row, const BackendInfo& backend);

/// "dense, declared, keep=N", for messages.
std::string maskPolicyNames();
/// The same with what each means, for help texts.
std::string maskPolicyHelp();

}  // namespace spanscope
