#include "app/cli/stop_signal.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "app/cli/exit_codes.h"
#include "engine/types/output_file.h"

namespace spanscope::cli {

namespace {

constexpr long kPatienceNs = 150'000'000;

// A signal handler can reach nothing but globals.
enum class Phase : int { AtOnce, InOrder, WorkIsOver };
std::atomic<Phase> s_phase{Phase::AtOnce};
std::atomic<bool> s_stop{false};
std::atomic<bool> s_progress{false};
std::atomic<bool> s_hasTimer{false};
timer_t s_deadline{};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<Phase>::is_always_lock_free);

void say(const char* text) {
    if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;  // nobody listens
}

[[noreturn]] void endNow() {
    OutputFile::removeUnfinished();
    if (s_progress.load()) say("\r\033[K");
    say("spanscope-cli: stopped\n");
    _exit(kCancelled);
}

void onStop(int) {
    const int before = errno;
    const bool again = s_stop.exchange(true);
    if (again || s_phase.load() == Phase::AtOnce) endNow();
    if (s_hasTimer.load()) {
        itimerspec once{};
        once.it_value.tv_nsec = kPatienceNs;
        timer_settime(s_deadline, 0, &once, nullptr);
    }
    errno = before;
}

void onDeadline(int) {
    if (s_phase.load() == Phase::InOrder) endNow();
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;  // what is being written goes on
    for (const int other : {SIGINT, SIGTERM, SIGHUP, SIGALRM}) sigaddset(&action.sa_mask, other);
    sigaction(signal, &action, nullptr);
}

}  // namespace

void installStopSignal() {
    struct sigaction before {};
    handle(SIGINT, onStop);
    handle(SIGTERM, onStop);
    if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) handle(SIGHUP, onStop);  // not under nohup
    handle(SIGALRM, onDeadline);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    s_hasTimer.store(timer_create(CLOCK_MONOTONIC, &event, &s_deadline) == 0);
    std::signal(SIGPIPE, SIG_IGN);
}

const std::atomic<bool>& stopFlag() { return s_stop; }

StopsInOrder::StopsInOrder() { s_phase.store(Phase::InOrder); }
StopsInOrder::~StopsInOrder() { s_phase.store(Phase::AtOnce); }
void StopsInOrder::workIsOver() { s_phase.store(Phase::WorkIsOver); }

void progressIsShown(bool shown) { s_progress.store(shown); }

}  // namespace spanscope::cli
