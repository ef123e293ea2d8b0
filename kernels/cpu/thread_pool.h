// Worker threads of one backend. parallelFor() runs numbered chunks on them and on the caller, by work stealing. Who
// runs a chunk never changes what it computes, so results do not depend on the number of threads.
//
// Each thread starts with a contiguous range of chunks and takes them in order, so that it reads memory as one stream.
// A thread whose range is empty steals the second half of the longest range left. Ranges lie in cache lines of their
// own, which other threads seldom write: taking a chunk costs no more than one atomic exchange. Tried and dropped: one
// shared counter (two threads read 70% of what they read so, since each prefetches into the other's next chunk);
// stealing single chunks from the end (when one thread is slower, the other walks backwards, and a third of what it
// prefetches has been used already).
//
// Why not a library: a decode step of a small model is 50 parallel sections of 2 to 20 microseconds. A worker that is
// late, because another program has its core, must not hold the step up: the caller only waits for chunks that were
// really taken. Workers spin for a short while after work, then sleep until called.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace spanscope::cpu {

/// One turn of a loop that waits for another thread, the spins-th: after a while it lets others have the core.
void spinOrYield(int spins);

class ThreadPool {
  public:
    /// nThreads counts the caller; 1 = no workers.
    explicit ThreadPool(int32_t nThreads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int32_t nThreads() const { return static_cast<int32_t>(m_workers.size()) + 1; }

    /// Calls body(chunk, thread) for chunk in [0, nChunks), thread in [0, nThreads()); returns when all are done.
    /// One caller at a time.
    template <class Body>
    void parallelFor(int64_t nChunks, const Body& body) {
        if (nChunks <= 1 || m_workers.empty()) {
            for (int64_t i = 0; i < nChunks; ++i) body(i, 0);
            return;
        }
        run(
            nChunks,
            [](const void* context, int64_t chunk, int32_t thread) {
                (*static_cast<const Body*>(context))(chunk, thread);
            },
            &body);
    }

  private:
    using Call = void (*)(const void* context, int64_t chunk, int32_t thread);
    void run(int64_t nChunks, Call call, const void* context);
    void work(int32_t thread);
    /// Takes and runs the next chunk of a thread's own range, or of what it steals; false if the section has none left.
    bool runOne(int32_t thread, uint32_t epoch);
    bool take(int32_t thread, uint32_t epoch, int64_t& chunk);
    int64_t nDone() const;

    // A range carries the section it belongs to, so that no thread can take a chunk of another: section (24 bits of its
    // epoch) | end (20) | next (20). Ranges are written before the epoch, so who has seen the epoch sees all of them. A
    // section stays open until every chunk is done, so that call and context hold for each chunk taken.
    static constexpr int kBits = 20;
    static constexpr uint64_t kMask = (1u << kBits) - 1;
    static uint64_t pack(uint32_t epoch, uint64_t next, uint64_t end);
    struct alignas(64) Range {
        std::atomic<uint64_t> chunks{0};
        std::atomic<int64_t> done{0};  ///< chunks that this thread has done, ever; it alone writes it
    };

    std::unique_ptr<Range[]> m_ranges;             // of each thread
    alignas(64) std::atomic<uint32_t> m_epoch{0};  // one more with each section; sleepers wait on it
    alignas(64) std::atomic<int32_t> m_sleepers{0};
    std::atomic<bool> m_quit{false};
    std::atomic<Call> m_call{nullptr};
    std::atomic<const void*> m_context{nullptr};
    int64_t m_nDone = 0;  // of all sections before
    std::vector<std::thread> m_workers;
};

}  // namespace spanscope::cpu
