// How fast this machine can read memory: the denominator of every "fraction of bandwidth".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace spanscope {

/// Reads a buffer of its own, larger than any cache, with its own threads. One thread at a time.
class ReadProbe {
  public:
    /// nThreads: 0 = all cores. nBytes: taken and written at once.
    explicit ReadProbe(int32_t nThreads, int64_t nBytes = int64_t{1} << 29);
    ~ReadProbe();
    ReadProbe(const ReadProbe&) = delete;
    ReadProbe& operator=(const ReadProbe&) = delete;

    /// GB/s (1e9) that the threads reach together when they only add up the buffer, `nPasses` times in a row; 0 if
    /// the memory could not be had.
    double measureGBps(int nPasses = 4);
    size_t nBytes() const { return m_nBytes; }

  private:
    struct Threads;
    std::unique_ptr<Threads> m_threads;
    uint8_t* m_data = nullptr;
    size_t m_nBytes = 0;
};

}  // namespace spanscope
