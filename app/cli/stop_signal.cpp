#include "app/cli/stop_signal.h"

#include <csignal>

namespace spanscope::cli {

namespace {
std::atomic<bool> s_stop{false};  // a signal handler can reach nothing but globals
static_assert(std::atomic<bool>::is_always_lock_free);
}  // namespace

void installStopSignal() {
    struct sigaction action {};
    action.sa_handler = [](int) { s_stop.store(true, std::memory_order_relaxed); };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& stopFlag() { return s_stop; }

}  // namespace spanscope::cli
