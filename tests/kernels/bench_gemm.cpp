// The prefill's matrices against oneDNN on the same shapes in the same process; a program, not a test.
// bench_gemm [threads]: GFLOP/s of each, and their ratio. oneDNN gets its weights repacked beforehand, which is not
// counted, and OMP_NUM_THREADS from the caller.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>

#include "kernels/cpu/aligned.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/half.h"

using namespace spanscope;
using namespace spanscope::cpu;

namespace {

template <class F>
double bestSeconds(int rounds, const F& f) {
    double best = 1e9;
    for (int i = 0; i < rounds; ++i) {
        const auto start = std::chrono::steady_clock::now();
        f();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

double ours(ThreadPool& pool, int64_t rows, int64_t depth, int64_t tokens, int rounds) {
    std::mt19937 random(1);
    LineVector<uint16_t> w(static_cast<size_t>(rows * depth));
    for (uint16_t& v : w) v = floatToBf16(static_cast<float>(random() % 1000) / 1000.0f - 0.5f);
    LineVector<float> x(static_cast<size_t>(nPanels(tokens) * depth * kPanelTokens), 0.25f);
    LineVector<float> y(static_cast<size_t>(nPanels(tokens) * rows * kPanelTokens));
    std::vector<LineVector<float>> scratch(static_cast<size_t>(pool.nThreads()), LineVector<float>(kGemmScratch));
    const TensorView view{w.data(), DType::BF16, rows, depth};
    return bestSeconds(rounds, [&] {
        pool.parallelFor((rows + kGemmRows - 1) / kGemmRows, [&](int64_t task, int32_t thread) {
            const int64_t r = task * kGemmRows;
            gemmRows(view, r, std::min(rows, r + kGemmRows), x.data(), tokens, nullptr, Output::Store, y.data(),
                     static_cast<size_t>(rows * kPanelTokens), 0, scratch[static_cast<size_t>(thread)].data());
        });
    });
}

double theirs(int64_t rows, int64_t depth, int64_t tokens, int rounds) {
    using namespace dnnl;
    const engine cpuEngine(engine::kind::cpu, 0);
    stream queue(cpuEngine);
    const auto type = memory::data_type::f32;
    const matmul::desc desc(memory::desc({tokens, depth}, type, memory::format_tag::ab),
                            memory::desc({depth, rows}, type, memory::format_tag::any),
                            memory::desc({tokens, rows}, type, memory::format_tag::ab));
    const matmul::primitive_desc primitive(desc, cpuEngine);
    const matmul multiply(primitive);
    memory x(primitive.src_desc(), cpuEngine), w(primitive.weights_desc(), cpuEngine),
        y(primitive.dst_desc(), cpuEngine);
    std::fill_n(static_cast<float*>(x.get_data_handle()), primitive.src_desc().get_size() / 4, 0.25f);
    std::fill_n(static_cast<float*>(w.get_data_handle()), primitive.weights_desc().get_size() / 4, 0.25f);
    return bestSeconds(rounds, [&] {
        multiply.execute(queue, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
        queue.wait();
    });
}

}  // namespace

int main(int argc, char** argv) {
    ThreadPool pool(argc > 1 ? std::max(1, std::atoi(argv[1])) : 1);
    std::printf(
        "| rows | depth | tokens | own, BF16 weights | oneDNN, f32 weights | ratio |\n|--:|--:|--:|--:|--:|--:|\n");
    const int64_t shapes[][2] = {{256, 256}, {704, 256}, {256, 704}, {2048, 2048}, {5632, 2048}, {2048, 5632}};
    for (const auto& s : shapes) {
        for (const int64_t tokens : {64, 256}) {
            const double flops = 2.0 * static_cast<double>(s[0] * s[1] * tokens);
            const int rounds = flops > 1e8 ? 12 : 200;
            const double a = flops / ours(pool, s[0], s[1], tokens, rounds) / 1e9;
            const double b = flops / theirs(s[0], s[1], tokens, rounds) / 1e9;
            std::printf("| %ld | %ld | %ld | %.1f | %.1f | %.2f |\n", static_cast<long>(s[0]), static_cast<long>(s[1]),
                        static_cast<long>(tokens), a, b, a / b);
        }
    }
}
