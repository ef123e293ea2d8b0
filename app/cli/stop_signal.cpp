#include "app/cli/stop_signal.h"

#include <semaphore.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "app/cli/exit_codes.h"
#include "engine/files/output_file.h"

namespace spanscope::cli {

namespace {

constexpr auto kPatience = std::chrono::milliseconds(150);

// A signal handler can reach nothing but globals.
enum class Phase : int { AtOnce, InOrder, WorkIsOver, LastWords };
std::atomic<Phase> s_phase{Phase::AtOnce};
std::atomic<bool> s_stop{false};
std::atomic<bool> s_progress{false};
sem_t s_asked;  ///< posted by the handler: the only call that wakes a thread and that a handler may make
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
    sem_post(&s_asked);
    errno = before;
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;  // what is being written goes on
    for (const int other : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&action.sa_mask, other);
    sigaction(signal, &action, nullptr);
}

}  // namespace

void installStopSignal() {
    struct sigaction before {};
    sem_init(&s_asked, 0, 0);
    handle(SIGINT, onStop);
    handle(SIGTERM, onStop);
    if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
        handle(SIGHUP, onStop);  // not under nohup
    std::signal(SIGPIPE, SIG_IGN);
}

const std::atomic<bool>& stopFlag() { return s_stop; }

StopsInOrder::StopsInOrder(std::function<void()> lastWords)
    : m_lastWords(std::move(lastWords)), m_watcher([this] { watch(); }) {
    s_phase.store(Phase::InOrder);
}

StopsInOrder::~StopsInOrder() {
    workIsOver();
    s_phase.store(Phase::AtOnce);
    sem_post(&s_asked);
    m_watcher.join();
}

void StopsInOrder::watch() {
    std::unique_lock lock(m_mutex, std::defer_lock);
    for (;;) {
        while (sem_wait(&s_asked) != 0) {}  // interrupted
        lock.lock();
        if (m_isOver) return;
        if (s_stop.load()) break;
        lock.unlock();
    }
    if (m_over.wait_for(lock, kPatience, [this] { return m_isOver; })) return;
    auto expected = Phase::InOrder;
    if (!s_phase.compare_exchange_strong(expected, Phase::LastWords)) return;
    if (m_lastWords) m_lastWords();
    std::fflush(stdout);
    endNow();
}

void StopsInOrder::workIsOver() {
    auto expected = Phase::InOrder;
    if (!s_phase.compare_exchange_strong(expected, Phase::WorkIsOver) && expected == Phase::LastWords)
        for (;;) pause();  // the last words are being said; the process ends with them
    const std::lock_guard lock(m_mutex);
    m_isOver = true;
    m_over.notify_all();
}

void progressIsShown(bool shown) { s_progress.store(shown); }

}  // namespace spanscope::cli
