#include "kernels/bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "kernels/process_limits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/bandwidth.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

uint32_t sumOf(const uint32_t* p, size_t n) {
    const hn::ScalableTag<uint32_t> d;
    constexpr size_t kN = HWY_LANES(uint32_t);
    auto a = hn::Zero(d), b = a, c = a, e = a;
    for (size_t i = 0; i + 4 * kN <= n; i += 4 * kN) {
        a = hn::Add(a, hn::LoadU(d, p + i));
        b = hn::Add(b, hn::LoadU(d, p + i + kN));
        c = hn::Add(c, hn::LoadU(d, p + i + 2 * kN));
        e = hn::Add(e, hn::LoadU(d, p + i + 3 * kN));
    }
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanscope {
namespace cpu {
HWY_EXPORT(sumOf);
uint32_t sumOf(const uint32_t* p, size_t n) { return HWY_DYNAMIC_DISPATCH(sumOf)(p, n); }
}  // namespace cpu

namespace {
constexpr int64_t kChunk = 1 << 20;
}

struct ReadProbe::Threads {
    explicit Threads(int32_t n) : pool(n) {}
    cpu::ThreadPool pool;
    std::atomic<uint32_t> sum{0};  // kept, so that the reads stay
};

ReadProbe::ReadProbe(int32_t nThreads, int64_t nBytes) {
    const auto bytes = static_cast<size_t>(std::max<int64_t>(nBytes, kChunk) / kChunk * kChunk);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    madvise(memory, bytes, MADV_HUGEPAGE);
    m_data = static_cast<uint8_t*>(memory);
    m_nBytes = bytes;
    m_threads = std::make_unique<Threads>(nThreads > 0 ? nThreads : usableThreads());
    m_threads->pool.parallelFor(static_cast<int64_t>(bytes) / kChunk, [&](int64_t i, int32_t) {
        std::memset(m_data + i * kChunk, static_cast<int>(i), kChunk);
    });
}

ReadProbe::~ReadProbe() {
    if (m_data) munmap(m_data, m_nBytes);
}

double ReadProbe::measureGBps(int nPasses) {
    if (!m_data) return 0;
    const auto start = std::chrono::steady_clock::now();
    for (int pass = 0; pass < nPasses; ++pass)
        m_threads->pool.parallelFor(static_cast<int64_t>(m_nBytes) / kChunk, [&](int64_t i, int32_t) {
            m_threads->sum += cpu::sumOf(reinterpret_cast<const uint32_t*>(m_data + i * kChunk), kChunk / 4);
        });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return static_cast<double>(m_nBytes) * nPasses / took.count() / 1e9;
}

}  // namespace spanscope
#endif
