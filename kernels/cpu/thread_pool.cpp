#include "kernels/cpu/thread_pool.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace spanscope::cpu {

namespace {

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#endif
}

/// Helpers look for work this long before they sleep: longer than the gap between two steps of a run.
constexpr auto kSpin = std::chrono::microseconds(60);

}  // namespace

ThreadPool::ThreadPool(int32_t nThreads) : m_runs(new Run[static_cast<size_t>(std::max(1, nThreads))]) {
    for (int32_t i = 1; i < nThreads; ++i) m_helpers.emplace_back([this, i] { help(i); });
}

ThreadPool::~ThreadPool() {
    m_quit.store(true);
    m_epoch.fetch_add(1);
    m_epoch.notify_all();
    for (std::thread& t : m_helpers) t.join();
}

bool ThreadPool::claimOne(int32_t thread) {
    uint64_t s = m_state.load(std::memory_order_acquire);
    if ((s & kMask) >= ((s >> kBits) & kMask)) return false;
    s = m_state.fetch_add(1, std::memory_order_acq_rel);
    const uint64_t next = s & kMask;
    if (next >= ((s >> kBits) & kMask)) return false;
    // The section cannot end before this chunk is done, so call and context are its own.
    m_call.load(std::memory_order_relaxed)(m_context.load(std::memory_order_relaxed), static_cast<int64_t>(next),
                                           thread);
    m_done.fetch_add(1, std::memory_order_release);
    return true;
}

void ThreadPool::help(int32_t thread) {
    while (!m_quit.load(std::memory_order_relaxed)) {
        const uint32_t epoch = m_epoch.load(std::memory_order_acquire);
        auto until = std::chrono::steady_clock::now() + kSpin;
        bool idle = false;
        while (!idle) {
            bool worked = false;
            for (int i = 0; i < 64; ++i) {
                if (claimOne(thread)) {
                    worked = true;
                } else {
                    pause();
                }
            }
            const auto now = std::chrono::steady_clock::now();
            if (worked) until = now + kSpin;
            idle = now >= until || m_quit.load(std::memory_order_relaxed);
        }
        // Announce the sleep before the last look: run() looks for sleepers after it opened a section.
        m_sleepers.fetch_add(1);
        const uint32_t now = m_epoch.load();
        if (now == epoch && !m_quit.load()) m_epoch.wait(epoch);
        m_sleepers.fetch_sub(1);
    }
}

void ThreadPool::shareOut(int64_t nChunks) {
    // Relaxed: opening the section publishes them.
    const auto n = static_cast<int64_t>(nThreads());
    for (int64_t t = 0; t < n; ++t) {
        const auto begin = static_cast<uint64_t>(nChunks * t / n), end = static_cast<uint64_t>(nChunks * (t + 1) / n);
        m_runs[static_cast<size_t>(t)].chunks.store(end << 32 | begin, std::memory_order_relaxed);
    }
}

int64_t ThreadPool::takeChunk(int32_t thread) {
    constexpr uint64_t kLow = 0xffffffffu;
    std::atomic<uint64_t>& own = m_runs[static_cast<size_t>(thread)].chunks;
    uint64_t run = own.load(std::memory_order_relaxed);
    while ((run & kLow) < run >> 32)
        if (own.compare_exchange_weak(run, run + 1, std::memory_order_relaxed)) return static_cast<int64_t>(run & kLow);
    while (true) {
        std::atomic<uint64_t>* fullest = nullptr;
        uint64_t most = 0;
        for (int32_t t = 0; t < nThreads(); ++t) {
            const uint64_t other = m_runs[static_cast<size_t>(t)].chunks.load(std::memory_order_relaxed);
            const uint64_t left = (other >> 32) - std::min(other >> 32, other & kLow);
            if (left <= most) continue;
            most = left;
            run = other;
            fullest = &m_runs[static_cast<size_t>(t)].chunks;
        }
        constexpr uint64_t kOne = uint64_t{1} << 32;
        if (fullest && fullest->compare_exchange_strong(run, run - kOne, std::memory_order_relaxed))
            return static_cast<int64_t>((run >> 32) - 1);
    }
}

void ThreadPool::run(int64_t nChunks, Call call, const void* context) {
    m_call.store(call, std::memory_order_relaxed);
    m_context.store(context, std::memory_order_relaxed);
    constexpr auto kMost = static_cast<int64_t>(kMask) - 4096;  // late claims count past the end
    if (nChunks > kMost) {
        // Not met by any caller (chunks are coarse); still correct.
        for (int64_t i = 0; i < nChunks; ++i) call(context, i, 0);
        return;
    }
    runSection(nChunks);
}

void ThreadPool::runSection(int64_t nChunks) {
    m_done.store(0, std::memory_order_relaxed);
    ++m_section;
    m_state.store((m_section << (2 * kBits)) | (static_cast<uint64_t>(nChunks) << kBits), std::memory_order_seq_cst);
    m_epoch.fetch_add(1);
    if (m_sleepers.load() > 0) m_epoch.notify_all();
    while (claimOne(0)) {
    }
    for (int spins = 0; m_done.load(std::memory_order_acquire) != nChunks; ++spins) {
        if (spins < 4096)
            pause();
        else
            std::this_thread::yield();
    }
}

}  // namespace spanscope::cpu
