// Speed-up: decode rate of the declared run over that of the dense one. The one rule for CLI, reports and window: runs
// of different length are compared over the steps that both have, since a step's cost grows with its context.
#pragma once

#include <cstdint>
#include <string>

#include "engine/types/records.h"

namespace spanscope {

struct SpeedUp {
    double factor = 0;   ///< 0: one of the runs is missing or too short, or they are no run and its dense twin
    int64_t nSteps = 0;  ///< compared: those that both have
    int64_t nDeclared = 0, nDense = 0;
    bool sameLength() const { return nDeclared == nDense; }
    /// "over the first 120 steps, which both have; declared took 200, dense 120"; empty where the lengths are the same.
    std::string note() const;
};

SpeedUp speedUp(const RunData& declared, const RunData& dense);

}  // namespace spanscope
