// Decode speed under declared spans, with the rows of bench.h: a sheet worked out by its generator is fed token by
// token (teacher-forced), the tracker making each step's list as in a run. So the cost of declared decoding at a
// depth can be set beside dense and keep=N at the same depth, whatever the model would have answered.
// One thread; the backend's.
#pragma once

#include "engine/bench/bench.h"
#include "engine/model/model.h"

namespace spanscope {

/// tg tests of plan at each depth and batch; plan.attention is not looked at. A test starts at the end of the sheet's
/// prompt at the earliest; its row says the depth that it really had. InvalidArgument: the model has no task
/// "sheet", or a depth beyond what it was trained for. Cancelled when stop is set.
Status runDeclaredBench(Backend& backend, const Model& model, const BenchSubject& subject, const BenchPlan& plan,
                        const std::atomic<bool>* stop, std::vector<BenchRow>& rows, const BenchProgress& progress = {});

}  // namespace spanscope
