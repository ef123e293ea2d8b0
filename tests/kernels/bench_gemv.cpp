// The decode step's matrices by format and shape, against what the machine reads beside them; a program, not a test.
// bench_gemv [threads] [format ...]: GB/s of weights, and the median share of a plain read measured before and after
// each pass. Weights of one shape fill 256 MB, as the layers of a model would.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kernels/bandwidth.h"
#include "kernels/cpu/gemv.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/drawn_blocks.h"

using namespace spanscope;
using namespace spanscope::cpu;

namespace {

constexpr size_t kBytes = 256u << 20;

void fill(DType type, uint8_t* row, int64_t cols, uint64_t seed) {
    const auto next = [&] {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        return seed ^ seed >> 29;
    };
    const size_t bytes = rowBytes(type, cols);
    if (isBlocked(type)) return drawBlocks(type, row, bytes, 0.05f, next);
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        const uint64_t v = (next() & 0x83ff83ff83ff83ffu) | 0x3000300030003000u;  // no large exponent
        std::memcpy(row + i, &v, 8);
    }
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

void measure(DType type, int64_t rows, int64_t cols, ThreadPool& pool, ReadProbe& probe) {
    const size_t each = rowBytes(type, cols) * static_cast<size_t>(rows);
    if (each == 0) return;
    const size_t count = std::max<size_t>(1, kBytes / each), total = count * each;
    void* memory = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    madvise(memory, total, MADV_HUGEPAGE);
    auto* data = static_cast<uint8_t*>(memory);
    pool.parallelFor(rows * static_cast<int64_t>(count), [&](int64_t row, int32_t) {
        fill(type, data + static_cast<size_t>(row) * rowBytes(type, cols), cols, static_cast<uint64_t>(row));
    });
    GemvInputBuffer input(cols, 1);
    for (int64_t i = 0; i < cols; ++i) input.x(0)[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
    const GemvInput in = input.prepare(cols, 1, GemvInputBuffer::formatBit(type));
    std::vector<float> out(static_cast<size_t>(rows));
    std::vector<double> share, speed;
    double before = probe.measureGBps(1);
    for (int round = 0; round < 9; ++round) {
        const auto start = std::chrono::steady_clock::now();
        for (size_t m = 0; m < count; ++m) {
            const TensorView w{data + m * each, type, rows, cols};
            const int64_t step = gemvChunkRows(w);
            pool.parallelFor((rows + step - 1) / step, [&](int64_t chunk, int32_t) {
                gemvRows(w, chunk * step, std::min(rows, (chunk + 1) * step), in, nullptr, Output::Store, out.data(),
                         out.size());
            });
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        const double after = probe.measureGBps(1);
        speed.push_back(static_cast<double>(total) / took.count() / 1e9);
        share.push_back(speed.back() / ((before + after) / 2));
        before = after;
    }
    std::printf("%-6s %6ld x %-5ld %6.1f GB/s  %5.1f%% of %.1f\n", dtypeName(type), rows, cols, median(speed),
                100 * median(share), median(speed) / median(share));
    std::fflush(stdout);
    munmap(memory, total);
}

}  // namespace

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 0;
    const auto n = static_cast<int32_t>(threads > 0 ? static_cast<unsigned>(threads)
                                                    : std::max(1u, std::thread::hardware_concurrency()));
    ThreadPool pool(n);
    ReadProbe probe(n, int64_t{1} << 28);
    for (const DType type : kDTypes) {
        if (argc > 2 &&
            std::none_of(argv + 2, argv + argc, [&](const char* a) { return std::string(a) == dtypeName(type); }))
            continue;
        measure(type, 1536, 576, pool, probe);    // gate, up of smollm2-135m
        measure(type, 576, 1536, pool, probe);    // down
        measure(type, 2048, 2048, pool, probe);   // q, o of llama-1b
        measure(type, 5632, 2048, pool, probe);   // gate, up
        measure(type, 2048, 5632, pool, probe);   // down
        measure(type, 4096, 11008, pool, probe);  // down of llama-7b
    }
    return 0;
}
