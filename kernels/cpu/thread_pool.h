// Helpers for one backend: parallelFor hands out chunks, and the caller works too. Who runs a chunk never changes what
// the chunk computes, so results do not depend on the number of threads.
//
// Each thread has a run of neighbouring chunks of its own and takes them in order, so that it reads memory as one
// stream; who has none left takes the last of the fullest run. (Chunks in turn to whoever asks: two threads read 70%
// of what they read so, since each fetches ahead into the other's next chunk.)
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
        const Section<Body> section{this, &body};
        shareOut(nChunks);
        run(
            nChunks,
            [](const void* context, int64_t, int32_t thread) {
                const auto& s = *static_cast<const Section<Body>*>(context);
                (*s.body)(s.pool->takeChunk(thread), thread);
            },
            &section);
    }

  private:
    template <class Body>
    struct Section {
        ThreadPool* pool;
        const Body* body;
    };
    using Call = void (*)(const void* context, int64_t chunk, int32_t thread);
    void run(int64_t nChunks, Call call, const void* context);
    void runSection(int64_t nChunks);
    void help(int32_t thread);
    bool claimOne(int32_t thread);
    void shareOut(int64_t nChunks);
    /// The next chunk of a thread's own run, or the last of another's. There is one for every claim.
    int64_t takeChunk(int32_t thread);

    // One word says which section is open, how many chunks it has, and which is next, so that a claim can never
    // mix two sections: section (24 bits) | chunks (20) | next (20).
    static constexpr int kBits = 20;
    static constexpr uint64_t kMask = (1u << kBits) - 1;

    alignas(64) std::atomic<uint64_t> m_state{0};
    alignas(64) std::atomic<int64_t> m_done{0};
    alignas(64) std::atomic<uint32_t> m_epoch{0};  // changes when there is work; sleepers wait on it
    std::atomic<int32_t> m_sleepers{0};
    std::atomic<bool> m_quit{false};
    std::atomic<Call> m_call{nullptr};
    std::atomic<const void*> m_context{nullptr};
    uint64_t m_section = 0;
    struct alignas(64) Run {
        std::atomic<uint64_t> chunks{0};  ///< end (32 bits) | next (32)
    };
    std::unique_ptr<Run[]> m_runs;  // of each thread
    std::vector<std::thread> m_helpers;
};

}  // namespace spanscope::cpu
