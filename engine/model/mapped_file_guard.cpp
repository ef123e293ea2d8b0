#include "engine/model/mapped_file_guard.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>

#include "engine/files/output_file.h"
#include "engine/files/safe_text.h"

namespace spanscope {

namespace {

/// One mapped file. A signal handler reaches nothing but globals and may take no lock: `begin` is written last.
struct Slot {
    std::atomic<uintptr_t> begin{0};  ///< 0 = free, 1 = being written
    std::atomic<size_t> nBytes{0};
    std::array<std::atomic<char>, 1024> path{};
};
/// A model may have any number of shards: where a block is full the next one is made, and stays.
struct Block {
    std::array<Slot, 256> slots;
    std::atomic<Block*> next{nullptr};
};
Block s_first;
std::atomic<const char*> s_program{nullptr};
std::atomic<int> s_exitCode{1};
std::atomic_flag s_saying = ATOMIC_FLAG_INIT;
static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<char>::is_always_lock_free &&
              std::atomic<Block*>::is_always_lock_free);

/// A message that is put together first and written in one piece.
struct Message {
    std::array<char, 2048> text;
    size_t n = 0;
    void add(char c) {
        if (n < text.size()) text[n++] = c;
    }
    void add(const char* words) {
        for (; *words; ++words) add(*words);
    }
};

[[noreturn]] void sayAndEnd(const Slot& slot) {
    // Threads that read the same file all come here: one speaks, the others wait for the end.
    while (s_saying.test_and_set()) pause();
    Message m;
    m.add("\n");
    m.add(s_program.load());
    m.add(": error: ");
    for (const auto& c : slot.path) {
        const char byte = c.load(std::memory_order_relaxed);
        if (byte == 0) break;
        m.add(byte);
    }
    m.add(
        ": the file was cut short or could not be read any more while it was in use (found end of file, expected the "
        "size it was opened with)\n");
    for (size_t at = 0; at < m.n;) {
        const ssize_t written = write(STDERR_FILENO, m.text.data() + at, m.n - at);
        if (written <= 0) break;
        at += static_cast<size_t>(written);
    }
    OutputFile::removeUnfinished();
    _exit(s_exitCode.load());
}

void onBusError(int, siginfo_t* info, void*) {
    const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
    for (const Block* block = &s_first; block; block = block->next.load(std::memory_order_acquire))
        for (const Slot& slot : block->slots) {
            const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
            if (begin > 1 && at >= begin && at - begin < slot.nBytes.load(std::memory_order_relaxed)) sayAndEnd(slot);
        }
    // Not ours: as if there were no handler. Returning repeats the access.
    signal(SIGBUS, SIG_DFL);
}

/// Never null but where there is no memory for another block.
Slot* freeSlot() {
    for (Block* block = &s_first;;) {
        for (Slot& slot : block->slots) {
            uintptr_t expected = 0;
            if (slot.begin.compare_exchange_strong(expected, 1)) return &slot;
        }
        Block* next = block->next.load(std::memory_order_acquire);
        if (!next) {
            auto* made = new (std::nothrow) Block;
            if (!made) return nullptr;
            if (block->next.compare_exchange_strong(next, made)) next = made;
            else delete made;  // another thread was first; `next` is its block
        }
        block = next;
    }
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
    Slot* slot = freeSlot();
    if (!slot) return;
    const std::string shown = terminalSafe(path, true);  // the handler could not
    slot->nBytes.store(nBytes, std::memory_order_relaxed);
    const size_t n = std::min(shown.size(), slot->path.size() - 1);
    for (size_t i = 0; i < n; ++i) slot->path[i].store(shown[i], std::memory_order_relaxed);
    slot->path[n].store(0, std::memory_order_relaxed);
    slot->begin.store(reinterpret_cast<uintptr_t>(address), std::memory_order_release);
}

void mapped_files::remove(const void* address) {
    for (Block* block = &s_first; block; block = block->next.load(std::memory_order_acquire))
        for (Slot& slot : block->slots) {
            uintptr_t expected = reinterpret_cast<uintptr_t>(address);
            if (slot.begin.compare_exchange_strong(expected, 0)) return;
        }
}

}  // namespace spanscope
