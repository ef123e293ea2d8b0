// What an adapter beside quantised weights costs a decode step: the same drawn weights with and without one, taking
// turns.
//
//   bench_adapter [RANK [TYPE [THREADS [DEPTH [TURNS]]]]]     defaults: 16 Q4_1 2 512 301; the shape is SmolLM2-135M's
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>

#include "kernels/backends.h"
#include "random_model.h"

using namespace spanscope;

namespace {

constexpr int kSteps = 2;  ///< of a turn: few, so that what else runs meets both alike

struct Run {
    std::unique_ptr<Backend> backend;
    SequenceId sequence;
    std::vector<double> ms;  ///< of a step, by turn
};

Run prepared(const ModelWeights& weights, std::span<const int32_t> prompt, int32_t nThreads) {
    Run run;
    const auto depth = static_cast<int32_t>(prompt.size());
    auto backend = makeCpuBackend(weights, {.nThreads = nThreads, .kvTokens = depth + 64});
    if (!backend) std::fprintf(stderr, "%s\n", backend.error().toString().c_str()), std::exit(1);
    run.backend = std::move(*backend);
    run.sequence = *run.backend->createSequence(depth + 32);
    const std::vector<Interval> all{{0, kOpenEnd}};
    const std::vector<QueryRun> runs{{0, depth, all}};
    (void)run.backend->prefill(run.sequence, prompt, runs, {}).ok();
    return run;
}

/// Milliseconds of a step, the mean of kSteps.
double turn(Run& run, int32_t depth) {
    const std::vector<Interval> all{{0, kOpenEnd}};
    const auto start = std::chrono::steady_clock::now();
    int32_t token = 1;
    for (int32_t i = 0; i < kSteps; ++i) {
        const DecodeItem item{run.sequence, token, depth + i, all, 0};
        (void)run.backend->decode({&item, 1}, {{&token, 1}, {}, {}}).ok();
    }
    run.backend->truncate(run.sequence, depth);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / kSteps;
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const auto number = [&](int i, int32_t fallback) { return argc > i ? std::atoi(argv[i]) : fallback; };
    const int32_t rank = number(1, 16), nThreads = number(3, 2), depth = number(4, 512), nTurns = number(5, 301);
    test::RandomModelOptions o{
        .nLayers = 30, .nHeads = 9, .nKvHeads = 3, .headDim = 64, .hidden = 576, .ffn = 1536, .vocab = 49152};
    o.type = argc > 2 ? dtypeFromName(argv[2]).value_or(DType::Q4_1) : DType::Q4_1;
    o.tied = o.interleaved = true;
    o.adapterType = DType::BF16;
    o.adapterRank = rank;
    o.adapterRankStep = 0;
    test::RandomModel model(o);
    ModelWeights base = model.weights;  // the same memory: where it lies changes what a step takes
    base.adapters.clear();
    const std::vector<int32_t> prompt = model.tokens(depth);
    Run without = prepared(base, prompt, nThreads), with = prepared(model.weights, prompt, nThreads);
    size_t weightBytes = 0, adapterBytes = 0;
    forEachTensor(model.weights, [&](const TensorView& t, const TensorSpec&, int32_t) {
        if (t) weightBytes += t.nBytes();
    });
    for (const LayerAdapter& adapter : model.weights.adapters)
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
