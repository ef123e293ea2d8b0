#include "engine/types/speed_up.h"

#include <algorithm>

namespace spanscope {

std::string SpeedUp::note() const {
    if (factor <= 0 || sameLength()) return {};
    return "over the first " + std::to_string(nSteps) + " steps, which both have; declared took " +
           std::to_string(nDeclared) + ", dense " + std::to_string(nDense);
}

SpeedUp speedUp(const RunData& declared, const RunData& dense) {
    SpeedUp up;
    up.nDeclared = static_cast<int64_t>(declared.steps.size());
    up.nDense = static_cast<int64_t>(dense.steps.size());
    up.nSteps = std::min(up.nDeclared, up.nDense);
    const bool twins = !declared.header.settings.attention.isDense() && dense.header.settings.attention.isDense() &&
                       declared.header.formattedPrompt == dense.header.formattedPrompt;
    if (up.nSteps < 2 || !twins) return up;
    if (up.sameLength()) {
        const double a = declared.stats.decodeTokensPerS(), b = dense.stats.decodeTokensPerS();
        up.factor = a > 0 && b > 0 ? a / b : 0;
        return up;
    }
    const auto spanNs = [&](const RunData& run) {
        return run.steps[static_cast<size_t>(up.nSteps) - 1].atNs - run.steps[0].atNs;
    };
    const int64_t a = spanNs(declared), b = spanNs(dense);
    up.factor = a > 0 && b > 0 ? static_cast<double>(b) / static_cast<double>(a) : 0;
    return up;
}

}  // namespace spanscope
