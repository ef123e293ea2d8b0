// Helpers for one backend: parallelFor hands out chunks, and the caller works too. Who runs a chunk never changes what
// the chunk computes, so results do not depend on the number of threads.
//
// Each thread has a run of neighbouring chunks of its own and takes them in order, so that it reads memory as one
// stream; who has none left takes the second half of the fullest run. (Chunks in turn to whoever asks: two threads read
// 70% of what they read so, since each fetches ahead into the other's next chunk. The last chunk of the fullest: when
// one thread is slower, the other walks backwards, and a third of what it fetches ahead has been used already.) A run
// lies in a cache line of its own, which others seldom write: a claim costs no more than an exchange there.
//
// Why not a library: a decode step of a small model is 50 parallel sections of 2 to 20 microseconds. A helper
// that is late (another program has its core) must not hold the step up: the caller only waits for chunks that
// were really claimed. Helpers spin for a short while after work, then sleep until called.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace spanscope::cpu {

class ThreadPool {
  public:
    /// nThreads counts the caller; 1 = no helpers.
    explicit ThreadPool(int32_t nThreads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int32_t nThreads() const { return static_cast<int32_t>(m_helpers.size()) + 1; }

    /// Calls body(chunk, thread) for chunk in [0, nChunks), thread in [0, nThreads()); returns when all are done.
    /// One caller at a time.
    template <class Body>
    void parallelFor(int64_t nChunks, const Body& body) {
        if (nChunks <= 1 || m_helpers.empty()) {
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
    void help(int32_t thread);
    /// Claims and runs the next chunk of a thread's own run, or of half of another's; false if the section has none.
    bool runOne(int32_t thread, uint32_t epoch);
    bool claim(int32_t thread, uint32_t epoch, int64_t& chunk);
    int64_t nDone() const;

    // A run says which section it belongs to, so that a claim can never mix two: section (24 bits of its epoch) |
    // end (20) | next (20). Runs are written, then the epoch: who has seen it sees all of them, and takes from no
    // others. A section stays open until every chunk is done, so a claimed chunk keeps its call and context.
    static constexpr int kBits = 20;
    static constexpr uint64_t kMask = (1u << kBits) - 1;
    static uint64_t pack(uint32_t epoch, uint64_t next, uint64_t end);
    struct alignas(64) Run {
        std::atomic<uint64_t> chunks{0};
        std::atomic<int64_t> done{0};  ///< chunks that this thread has done, ever; it alone writes it
    };

    std::unique_ptr<Run[]> m_runs;                 // of each thread
    alignas(64) std::atomic<uint32_t> m_epoch{0};  // one more with each section; sleepers wait on it
    alignas(64) std::atomic<int32_t> m_sleepers{0};
    std::atomic<bool> m_quit{false};
    std::atomic<Call> m_call{nullptr};
    std::atomic<const void*> m_context{nullptr};
    int64_t m_nDone = 0;  // of all sections before
    std::vector<std::thread> m_helpers;
};

}  // namespace spanscope::cpu
