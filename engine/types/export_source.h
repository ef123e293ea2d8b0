// What an export, data file or figure, is made from. Plain values: engine, window and command line share them.
#pragma once

#include <cstdint>

#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "engine/types/step_cost.h"

namespace spanscope {

/// Null where there is none. All outlive the call.
struct ExportSource {
    const RunData* run = nullptr;
    const RunData* other = nullptr;  ///< the dense twin, or another run of the same prompt
    const StepProbe* probe = nullptr;
    const DivergenceCurve* curve = nullptr;
    int32_t step = -1;  ///< that exports of one step are about; -1: the last
    WhatIf whatIf{};    ///< conditions of a predicted step; what is not given is as the run had it

    /// -1 where the run has no such step.
    int32_t chosenStep() const {
        const auto n = static_cast<int32_t>(run->steps.size());
        return step < 0 ? n - 1 : step < n ? step : -1;
    }
};

/// What an export needs besides the run: a second run, a probed step, or the whole run replayed densely.
enum class ExportNeeds : uint8_t { Nothing, Other, Probe, Curve };

inline bool hasWhatIsNeeded(const ExportSource& source, ExportNeeds needs) {
    switch (needs) {
        case ExportNeeds::Nothing: break;
        case ExportNeeds::Other: return source.other;
        case ExportNeeds::Probe: return source.probe;
        case ExportNeeds::Curve: return source.curve;
    }
    return source.run;
}

}  // namespace spanscope
