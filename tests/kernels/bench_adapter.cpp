// What an adapter beside quantised weights costs a decode step: the same drawn model with and without one, taking
// turns.
//
//   bench_adapter [RANK [TYPE [THREADS [DEPTH [TURNS]]]]]     defaults: 16 Q4_1 2 512 41; the shape is SmolLM2-135M's
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "kernels/backends.h"
#include "random_model.h"

using namespace spanscope;

namespace {

struct Run {
    std::unique_ptr<test::RandomModel> model;
    std::unique_ptr<Backend> backend;
    SequenceId sequence;
    std::vector<double> ms;  ///< of a step, by turn
};

Run prepared(const test::RandomModelOptions& o, int32_t nThreads, int32_t depth) {
    Run run;
    run.model = std::make_unique<test::RandomModel>(o);
    auto backend = makeCpuBackend(run.model->weights, {.nThreads = nThreads, .kvTokens = depth + 64});
    if (!backend) std::fprintf(stderr, "%s\n", backend.error().toString().c_str()), std::exit(1);
    run.backend = std::move(*backend);
    run.sequence = *run.backend->createSequence(depth + 32);
    const std::vector<Interval> all{{0, kOpenEnd}};
    const std::vector<QueryRun> runs{{0, depth, all}};
    (void)run.backend->prefill(run.sequence, run.model->tokens(depth), runs, {}).ok();
    return run;
}

/// Milliseconds of a step, the mean of 16.
double turn(Run& run, int32_t depth) {
    const std::vector<Interval> all{{0, kOpenEnd}};
    const auto start = std::chrono::steady_clock::now();
    int32_t token = 1;
    for (int32_t i = 0; i < 16; ++i) {
        const DecodeItem item{run.sequence, token, depth + i, all, 0};
        (void)run.backend->decode({&item, 1}, {{&token, 1}, {}, {}}).ok();
    }
    run.backend->truncate(run.sequence, depth);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / 16;
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const auto number = [&](int i, int32_t fallback) { return argc > i ? std::atoi(argv[i]) : fallback; };
    const int32_t rank = number(1, 16), nThreads = number(3, 2), depth = number(4, 512), nTurns = number(5, 41);
    test::RandomModelOptions o{
        .nLayers = 30, .nHeads = 9, .nKvHeads = 3, .headDim = 64, .hidden = 576, .ffn = 1536, .vocab = 49152};
    o.type = argc > 2 ? dtypeFromName(argv[2]).value_or(DType::Q4_1) : DType::Q4_1;
    o.tied = o.interleaved = true;
    o.adapterType = DType::BF16;
    Run without = prepared(o, nThreads, depth);
    o.adapterRank = rank;
    o.adapterRankStep = 0;
    Run with = prepared(o, nThreads, depth);
    size_t weightBytes = 0, adapterBytes = 0;
    forEachTensor(with.model->weights, [&](const TensorView& t, const TensorSpec&, int32_t) {
        if (t) weightBytes += t.nBytes();
    });
    for (const LayerAdapter& adapter : with.model->weights.adapters)
        for (const AdaptedMatrix& part : kAdaptedMatrices) adapterBytes += (adapter.*part.delta).nBytes();
    for (int i = 0; i <= nTurns; ++i)
        for (Run* run : {&without, &with}) run->ms.push_back(turn(*run, depth));
    std::vector<double> ratios;
    for (size_t i = 1; i < with.ms.size(); ++i) ratios.push_back(with.ms[i] / without.ms[i]);
    std::printf(
        "%s, rank %d, %d threads, depth %d: %.3f ms without, %.3f ms with, %.1f %% more (median of turns); the "
        "adapter has %.1f %% of the weights' bytes\n",
        dtypeName(o.type), rank, nThreads, depth, median(without.ms), median(with.ms), 100 * (median(ratios) - 1),
        100.0 * double(adapterBytes) / double(weightBytes));
    return 0;
}
