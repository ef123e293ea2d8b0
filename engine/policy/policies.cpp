#include "engine/policy/policies.h"

#include <algorithm>

#include "engine/policy/declared_policy.h"
#include "engine/policy/dense_policy.h"
#include "engine/policy/keep_policy.h"
#include "engine/policy/scatter_policy.h"
#include "engine/policy/window_policy.h"

namespace spanscope {

namespace {

template <class Policy>
std::unique_ptr<MaskPolicy> plain(int32_t) {
    return std::make_unique<Policy>();
}
template <class Policy>
std::unique_ptr<MaskPolicy> withNumber(int32_t n) {
    return std::make_unique<Policy>(n);
}

constexpr PolicyRow kPolicies[] = {
    {"dense", false, "everything before", false, plain<DensePolicy>},
    {"declared", false, "what the model names", false, plain<DeclaredPolicy>},
    {"keep", true, "first token and last N", false, withNumber<KeepPolicy>},
    {"window", true, "last N", false, withNumber<WindowPolicy>},
    {"scatter", true, "N in single pages over the context", false, withNumber<ScatterPolicy>},
    // What is said is dense's; what is drafted for it, engine/decode/drafter.h.
    {"lossless", false, "dense, N tokens at a time drafted as declared", false, plain<DensePolicy>, kMostDrafted, true},
};

std::string shown(const PolicyRow& row) {
    return std::string(row.name) + (row.takesNumber ? "=N" : row.optionalUpTo > 0 ? "[=N]" : "");
}

Result<const PolicyRow*> rowOf(const MaskPolicySpec& spec) {
    const auto* const row = std::find_if(std::begin(kPolicies), std::end(kPolicies),
                                         [&](const PolicyRow& r) { return r.name == spec.name; });
    if (row == std::end(kPolicies)) return invalidArgument("no such attention", spec.text(), maskPolicyNames());
    if (row->takesNumber && spec.n < 1)
        return invalidArgument(spec.name + " needs a number of tokens", std::to_string(spec.n), "1 or more");
    if (row->optionalUpTo > 0 && (spec.n < 0 || spec.n > row->optionalUpTo))
        return invalidArgument("too large a number for " + spec.name, std::to_string(spec.n),
                               "at most " + std::to_string(row->optionalUpTo));
    if (!row->takesNumber && row->optionalUpTo == 0 && spec.n != 0)
        return invalidArgument(spec.name + " takes no number", spec.text(), spec.name);
    return &*row;
}

}  // namespace

std::span<const PolicyRow> maskPolicies() { return kPolicies; }

Result<MaskPolicySpec> parseMaskPolicy(std::string_view text) {
    auto spec = MaskPolicySpec::parse(text);
    if (!spec) return invalidArgument("no such attention", std::string(text), maskPolicyNames());
    if (auto row = rowOf(*spec); !row) return row.error();
    return *spec;
}

Status checkCapabilities(const PolicyRow& row, const BackendInfo& backend) {
    const auto lacks = [&](const char* what) {
        return Error{ErrorCode::Unsupported, std::string(row.name) + " needs " + what + ", which the backend \"" +
                                                 backend.name + "\" does not give"};
    };
    if (row.needsPageScores && !backend.pageScores) return lacks("scores of pages");
    if (row.needsManyOfOne && !backend.manyOfOne) return lacks("steps with several tokens of one sequence");
    return {};
}

Result<std::unique_ptr<MaskPolicy>> makeMaskPolicy(const MaskPolicySpec& spec, const BackendInfo& backend) {
    auto row = rowOf(spec);
    if (!row) return row.error();
    if (auto ok = checkCapabilities(**row, backend); !ok) return ok.error();
    return (*row)->make(spec.n);
}

std::string maskPolicyNames() {
    std::string names;
    for (const PolicyRow& row : kPolicies) names += (names.empty() ? "" : ", ") + shown(row);
    return names;
}

std::string maskPolicyHelp() {
    std::string help;
    for (const PolicyRow& row : kPolicies)
        help += (help.empty() ? "" : ", ") + shown(row) + " (" + std::string(row.description) + ")";
    return help;
}

}  // namespace spanscope
