#include "engine/reading/violation_counts.h"

namespace spanscope {

std::map<std::string, int64_t> violationCounts(const RunData& run) {
    std::map<std::string, int64_t> counts;
    for (const ProtocolViolation& v : run.violations)
        if (v.kind != ViolationKind::TokenLimit) counts[violationName(v.kind)] += 1;
    return counts;
}

std::string violationCountsText(const RunData& run) {
    std::string text;
    for (const auto& [kind, n] : violationCounts(run)) {
        if (!text.empty()) text += ", ";
        text += kind + ": " + std::to_string(n);
    }
    return text;
}

}  // namespace spanscope
