#include "engine/model/mapped_file_guard.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace spanscope {

namespace {

/// One mapped file. A signal handler reaches nothing but globals and may take no lock: `begin` is written last.
struct Slot {
    std::atomic<uintptr_t> begin{0};  ///< 0 = free, 1 = being written
    std::atomic<size_t> nBytes{0};
    std::array<std::atomic<char>, 1024> path{};
};
std::array<Slot, 256> s_slots;
std::atomic<const char*> s_program{nullptr};
std::atomic<int> s_exitCode{1};
static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<char>::is_always_lock_free);

void say(const char* text, size_t n) {
    while (n > 0) {
        const ssize_t written = write(STDERR_FILENO, text, n);
        if (written <= 0) return;
        text += written;
        n -= static_cast<size_t>(written);
    }
}
void say(const char* text) { say(text, std::strlen(text)); }

void onBusError(int, siginfo_t* info, void*) {
    const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
    for (const Slot& slot : s_slots) {
        const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
        if (begin <= 1 || at < begin || at - begin >= slot.nBytes.load(std::memory_order_relaxed)) continue;
        say("\n");
        say(s_program.load());
        say(": error: ");
        for (const auto& c : slot.path) {
            const char byte = c.load(std::memory_order_relaxed);
            if (byte == 0) break;
            say(&byte, 1);
        }
        say(": the file was cut short or could not be read any more while it was in use (found end of file, expected the "
            "size it was opened with)\n");
        _exit(s_exitCode.load());
    }
    // Not ours: as if there were no handler. Returning repeats the access.
    signal(SIGBUS, SIG_DFL);
}

}  // namespace

void guardMappedFiles(const char* program, int exitCode) {
    s_program.store(program);
    s_exitCode.store(exitCode);
    struct sigaction action = {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, nullptr);
}

void mapped_files::add(const void* address, size_t nBytes, const char* path) {
    for (Slot& slot : s_slots) {
        uintptr_t expected = 0;
        if (!slot.begin.compare_exchange_strong(expected, 1)) continue;
        slot.nBytes.store(nBytes, std::memory_order_relaxed);
        const size_t n = std::min(std::strlen(path), slot.path.size() - 1);
        for (size_t i = 0; i < n; ++i) slot.path[i].store(path[i], std::memory_order_relaxed);
        slot.path[n].store(0, std::memory_order_relaxed);
        slot.begin.store(reinterpret_cast<uintptr_t>(address), std::memory_order_release);
        return;
    }
}

void mapped_files::remove(const void* address) {
    for (Slot& slot : s_slots) {
        uintptr_t expected = reinterpret_cast<uintptr_t>(address);
        if (slot.begin.compare_exchange_strong(expected, 0)) return;
    }
}

}  // namespace spanscope
