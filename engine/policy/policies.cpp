#include "engine/policy/policies.h"

#include <algorithm>

#include "engine/policy/declared_policy.h"
#include "engine/policy/dense_policy.h"
#include "engine/policy/keep_policy.h"
#include "engine/policy/pages_policy.h"
#include "engine/policy/random_policy.h"
#include "engine/policy/scatter_policy.h"
#include "engine/policy/selecting_policy.h"
#include "engine/policy/streaming_policy.h"
#include "engine/policy/window_policy.h"

namespace spanscope {

namespace {

template <class Policy>
std::unique_ptr<MaskPolicy> plain(const MaskPolicySpec&) {
    return std::make_unique<Policy>();
}
template <class Policy>
std::unique_ptr<MaskPolicy> withNumber(const MaskPolicySpec& spec) {
    return std::make_unique<Policy>(spec.n);
}
template <class Policy>
std::unique_ptr<MaskPolicy> withBudget(const MaskPolicySpec& spec) {
    return std::make_unique<Policy>(spec);
}
using enum PolicyNumber;
using enum PolicyNeeds;

constexpr PolicyRow kPolicies[] = {
    {"dense", None, "everything before", Nothing, plain<DensePolicy>},
    {"declared", None, "what the model names", Nothing, plain<DeclaredPolicy>},
    {"pages", Tokens, "what the model names, rounded outward to blocks of N tokens, the prompt causally", Nothing,
     withNumber<PagesPolicy>},
    {"keep", Tokens, "first token and last N", Nothing, withNumber<KeepPolicy>},
    {"window", Tokens, "last N", Nothing, withNumber<WindowPolicy>},
    {"scatter", Tokens, "N in single pages over the context", Nothing, withNumber<ScatterPolicy>},
    {"streaming", Budget, "StreamingLLM: first 4 and last tokens", Nothing, withBudget<StreamingPolicy>},
    {"streaming-reassigned", Budget, "the same at positions within what is kept, as its authors have it", KeySelection,
     withBudget<StreamingReassignedPolicy>},
    {"quest", Budget, "Quest: pages by bounds of their keys, each head", KeySelection, withBudget<QuestPolicy>},
    {"triforce", Budget, "TriForce: chunks of 8 by their mean key, each head", KeySelection,
     withBudget<TriForcePolicy>},
    {"snapkv", OwnBudget, "SnapKV: of the prompt, what its end attends to, each head", KeySelection,
     withBudget<SnapKvPolicy>},
    {"vegas", Budget, "Vegas: what an earlier query attended to and recent tokens, each layer", KeySelection,
     withBudget<VegasPolicy>},
    {"oracle", Budget, "pages with the most attention, each head", KeySelection, withBudget<OraclePolicy>},
    {"random", Budget, "pages drawn at random", Nothing, withBudget<RandomPolicy>},
    // What is said is dense's; what is drafted for it, engine/decode/drafter.h.
    {"lossless", Drafted, "dense, N tokens at a time drafted as declared", ManyOfOne, plain<DensePolicy>},
};

std::string shown(const PolicyRow& row) {
    constexpr const char* kNumber[] = {"", "=N", "=N|N%", "[=N|N%]", "[=N]"};
    return std::string(row.name) + kNumber[static_cast<size_t>(row.number)];
}

Result<const PolicyRow*> rowOf(const MaskPolicySpec& spec) {
    const auto* const row = std::find_if(std::begin(kPolicies), std::end(kPolicies),
                                         [&](const PolicyRow& r) { return r.name == spec.name; });
    if (row == std::end(kPolicies)) return invalidArgument("no such attention", spec.text(), maskPolicyNames());
    const bool needed = row->number == Tokens || row->number == OwnBudget;
    if (needed && spec.n < 1)
        return invalidArgument(spec.name + " needs a number of tokens", std::to_string(spec.n), "1 or more");
    if (row->number == Drafted && spec.n > kMostDrafted)
        return invalidArgument("too large a number for " + spec.name, std::to_string(spec.n),
                               "at most " + std::to_string(kMostDrafted));
    if (row->number == None && spec.n != 0)
        return invalidArgument(spec.name + " takes no number", spec.text(), spec.name);
    if ((row->number == Tokens || row->number == Drafted) && spec.percent)
        return invalidArgument(spec.name + " takes a number of tokens, not a share", spec.text(), spec.name + "=N");
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
    if (row.needs == KeySelection && !backend.keySelection) return lacks("attention that asks a policy head by head");
    if (row.needs == ManyOfOne && !backend.manyOfOne) return lacks("steps with several tokens of one sequence");
    return {};
}

bool readsAsDeclared(const MaskPolicySpec& spec) {
    const auto row = rowOf(spec);
    return row.ok() && (*row)->number == Budget && spec.n == 0;
}

Result<std::unique_ptr<MaskPolicy>> makeMaskPolicy(const MaskPolicySpec& spec, const BackendInfo& backend) {
    auto row = rowOf(spec);
    if (!row) return row.error();
    if (auto ok = checkCapabilities(**row, backend); !ok) return ok.error();
    return (*row)->make(spec);
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
