// Ctrl+C and SIGTERM ask the program to stop in good order; a second one ends it at once.
#pragma once

#include <atomic>

namespace spanscope::cli {

void installStopSignal();
/// Set by the signal; handed to the engine as its stop flag.
const std::atomic<bool>& stopFlag();
inline bool stopRequested() { return stopFlag().load(std::memory_order_relaxed); }

}  // namespace spanscope::cli
