// How far a finished run is from dense attention, step by step: the run read again under what it read, beside a dense
// reading of the same tokens. Runs whose heads chose for themselves choose again, as their policy does. Costs about two
// decoded tokens for each step of the run, so never while a run is measured. One thread, the backend's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "engine/model/model.h"
#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "kernels/backend.h"

namespace spanscope {

/// KL(dense || run) and the share of the dense attention mass kept, of every step (StepProbe::massKept's mean over
/// layers and heads). Frees its two sequences, of as many tokens as the run has. stop (may be null) is looked at
/// between steps: Cancelled. InvalidArgument as checkReplayable(); Unsupported: heads chose, and the backend lets none
/// or the program does not know the policy; OutOfMemory: no room. progress: of tokens, may be empty.
Result<DivergenceCurve> distanceFromDense(const Model& model, Backend& backend, const RunData& run,
                                          const std::atomic<bool>* stop,
                                          const std::function<void(int32_t done, int32_t total)>& progress);

}  // namespace spanscope
