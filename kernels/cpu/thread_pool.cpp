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

/// Workers look for work this long before they sleep: longer than the gap between two steps of a run.
constexpr auto kSpin = std::chrono::microseconds(60);

void end(std::atomic<bool>& quit, std::atomic<uint32_t>& epoch, std::vector<std::thread>& workers) {
    quit.store(true);
    epoch.fetch_add(1);
    epoch.notify_all();
    for (std::thread& t : workers) t.join();
}

}  // namespace

void spinOrYield(int spins) {
    if (spins < 4096) pause();
    else std::this_thread::yield();
}

ThreadPool::ThreadPool(int32_t nThreads) : m_ranges(new Range[static_cast<size_t>(std::max(1, nThreads))]) {
    try {
        for (int32_t i = 1; i < nThreads; ++i) m_workers.emplace_back([this, i] { work(i); });
    } catch (...) {  // a thread that the system does not give: those that run already must not be left behind
        end(m_quit, m_epoch, m_workers);
        throw;
    }
}

ThreadPool::~ThreadPool() { end(m_quit, m_epoch, m_workers); }

uint64_t ThreadPool::pack(uint32_t epoch, uint64_t next, uint64_t end) {
    return uint64_t{epoch} << (2 * kBits) | end << kBits | next;
}

bool ThreadPool::take(int32_t thread, uint32_t epoch, int64_t& chunk) {
    const uint64_t section = pack(epoch, 0, 0) >> (2 * kBits);
    std::atomic<uint64_t>& own = m_ranges[static_cast<size_t>(thread)].chunks;
    uint64_t range = own.load(std::memory_order_acquire);
    if (range >> (2 * kBits) != section) return false;
    while ((range & kMask) < ((range >> kBits) & kMask)) {
        if (!own.compare_exchange_weak(range, range + 1, std::memory_order_acquire)) continue;
        chunk = static_cast<int64_t>(range & kMask);
        return true;
    }
    while (true) {
        std::atomic<uint64_t>* longest = nullptr;
        uint64_t most = 0;
        for (int32_t t = 0; t < nThreads(); ++t) {
            const uint64_t other = m_ranges[static_cast<size_t>(t)].chunks.load(std::memory_order_acquire);
            if (other >> (2 * kBits) != section) continue;
            const uint64_t end = (other >> kBits) & kMask, left = end - std::min(end, other & kMask);
            if (left <= most) continue;
            most = left;
            range = other;
            longest = &m_ranges[static_cast<size_t>(t)].chunks;
        }
        if (!longest) return false;
        const uint64_t end = (range >> kBits) & kMask, middle = end - (most + 1) / 2;
        if (!longest->compare_exchange_strong(range, pack(epoch, range & kMask, middle), std::memory_order_acquire))
            continue;
        // The own range of this section is empty: nobody steals from it, and the next section waits for this chunk.
        own.store(pack(epoch, middle + 1, end), std::memory_order_release);
        chunk = static_cast<int64_t>(middle);
        return true;
    }
}

bool ThreadPool::runOne(int32_t thread, uint32_t epoch) {
    int64_t chunk = 0;
    if (!take(thread, epoch, chunk)) return false;
    m_call.load(std::memory_order_relaxed)(m_context.load(std::memory_order_relaxed), chunk, thread);
    std::atomic<int64_t>& done = m_ranges[static_cast<size_t>(thread)].done;
    done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return true;
}

void ThreadPool::work(int32_t thread) {
    uint32_t finished = 0;  // no chunk of this epoch is left
    while (!m_quit.load(std::memory_order_relaxed)) {
        uint32_t epoch = finished;
        auto until = std::chrono::steady_clock::now() + kSpin;
        bool idle = false;
        while (!idle) {
            bool worked = false;
            for (int i = 0; i < 64; ++i) {
                // Only the epoch is watched: looking at the ranges of those who work would slow them down.
                epoch = m_epoch.load(std::memory_order_acquire);
                if (epoch == finished) {
                    pause();
                    continue;
                }
                while (runOne(thread, epoch)) worked = true;
                finished = epoch;
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

int64_t ThreadPool::nDone() const {
    int64_t n = 0;
    for (int32_t t = 0; t < nThreads(); ++t) n += m_ranges[static_cast<size_t>(t)].done.load(std::memory_order_acquire);
    return n;
}

void ThreadPool::run(int64_t nChunks, Call call, const void* context) {
    if (nChunks > static_cast<int64_t>(kMask)) {
        // Not met by any caller (chunks are coarse); still correct.
        for (int64_t i = 0; i < nChunks; ++i) call(context, i, 0);
        return;
    }
    m_call.store(call, std::memory_order_relaxed);
    m_context.store(context, std::memory_order_relaxed);
    const uint32_t epoch = m_epoch.load(std::memory_order_relaxed) + 1;
    const auto n = static_cast<int64_t>(nThreads());
    for (int64_t t = 0; t < n; ++t) {
        const auto begin = static_cast<uint64_t>(nChunks * t / n), end = static_cast<uint64_t>(nChunks * (t + 1) / n);
        m_ranges[static_cast<size_t>(t)].chunks.store(pack(epoch, begin, end), std::memory_order_relaxed);
    }
    m_epoch.store(epoch);  // publishes all of it
    if (m_sleepers.load() > 0) m_epoch.notify_all();
    while (runOne(0, epoch)) {}
    m_nDone += nChunks;
    for (int spins = 0; nDone() != m_nDone; ++spins) spinOrYield(spins);
}

}  // namespace spanscope::cpu
