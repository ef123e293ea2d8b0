// Which runs of a recording a verb is about.
#pragma once

#include <memory>

#include "engine/trace/trace.h"

namespace spanscope::cli {

using SharedRun = std::shared_ptr<const RunData>;

/// The run of that index, counted from 0; of -1 the first declared one, else the first. Null: there is none.
SharedRun chosenRun(const TraceFile& file, int64_t index);
/// The first other run that is dense and of the same prompt; null: there is none.
SharedRun denseTwin(const TraceFile& file, const SharedRun& run);

}  // namespace spanscope::cli
