// bench: speed of prefill and decode, of a model or of a shape with drawn weights.
#include <algorithm>
#include <mutex>
#include <optional>

#include "app/cli/eta.h"
#include "app/cli/model_setup.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/bench/bench.h"
#include "engine/bench/bench_declared.h"
#include "engine/bench/random_weights.h"
#include "engine/decode/machine.h"
#include "engine/model/step_bytes.h"
#include "engine/policy/policies.h"
#include "kernels/bandwidth.h"
#include "kernels/process_limits.h"

namespace spanscope::cli {

namespace {

BenchPlan planOf(const BenchOptions& o) {
    BenchPlan plan;
    plan.promptSizes = o.promptSizes;
    plan.predictSizes = o.predictSizes;
    for (const Range& pair : o.promptThenPredict) plan.promptThenPredict.push_back({pair.min, pair.max});
    if (plan.promptSizes.empty() && plan.predictSizes.empty() && plan.promptThenPredict.empty()) {
        plan.promptSizes = {512};
        plan.predictSizes = {128};
    }
    if (!o.depths.empty()) plan.depths = o.depths;
    if (!o.batches.empty()) plan.batches = o.batches;
    plan.attention.clear();
    for (const MaskPolicySpec& policy : o.attention) {
        if (!policy.isDeclared()) plan.attention.push_back(policy);  // declared is a bench of its own
    }
    plan.repetitions = o.repetitions;
    plan.warmup = o.warmup;
    plan.seed = o.seed;
    // llama-bench's users write -p 0 for "no prefill test".
    std::erase(plan.promptSizes, 0);
    std::erase(plan.predictSizes, 0);
    return plan;
}

bool wantsDeclared(const BenchOptions& o) {
    return std::any_of(o.attention.begin(), o.attention.end(),
                       [](const MaskPolicySpec& policy) { return policy.isDeclared(); });
}

}  // namespace

int benchVerb(const BenchOptions& o, const Log& log) {
    const BenchPlan plan = planOf(o);
    if (plan.promptSizes.empty() && plan.predictSizes.empty() && plan.promptThenPredict.empty())
        return log.fail({ErrorCode::InvalidArgument, "nothing to measure: -p 0 and -n 0 leave out both tests"});
    if (wantsDeclared(o) && !o.randomWeights.empty())
        return log.fail({ErrorCode::InvalidArgument,
                         "drawn weights come without a vocabulary, so nothing can be declared",
                         {},
                         "--attention",
                         "declared",
                         "another of " + maskPolicyNames()});
    if (!o.model.adapter.empty() && !o.randomWeights.empty())
        return log.fail({ErrorCode::InvalidArgument,
                         "drawn weights take no adapter",
                         {},
                         "--adapter",
                         o.model.adapter,
                         "a model of its own"});
    OpenedModel opened;
    std::unique_ptr<RandomWeights> drawn;
    BenchSubject subject;
    // A declared test starts after its sheet's prompt, which takes about a quarter of the length.
    const BenchSequences sequences = benchSequences(plan);
    const KvDemand demand{sequences.tokens * (wantsDeclared(o) ? 2 : 1), sequences.nSequences,
                          "--n-depth with --n-prompt or --n-gen", "--batch"};
    const int64_t kvTokens = demand.kvTokens();
    if (o.randomWeights.empty()) {
        auto model = openModelFor(o.model, log);
        if (!model) return log.fail(model.error());
        opened = std::move(*model);
        subject.model = opened.model->name();
        subject.format = opened.model->formatName();
        if (auto ok = checkMemory(o.model, *opened.model, demand, log); !ok) return log.fail(ok.error());
    } else {
        const auto type = dtypeFromName(o.weightType);
        if (!type)
            return log.fail({ErrorCode::InvalidArgument,
                             "no such format",
                             {},
                             "--weight-type",
                             o.weightType,
                             "F32, F16, BF16, " + blockFormatNames()});
        const bool ask = !o.model.force;
        auto weights = RandomWeights::create(o.randomWeights, *type, o.seed, ask ? freeMemoryBytes() : UINT64_MAX,
                                             progressOn(log, "drawing weights"));
        log.endProgress();
        if (!weights) return log.fail(weights.error());
        drawn = std::move(*weights);
        const auto wanted = static_cast<uint64_t>(
            kvBytesPerToken(drawn->weights().shape, kvTypeOf(o.model, drawn->weights())) * kvTokens);
        if (const uint64_t left = freeMemoryBytes(); ask && deviceOf(o.model) != Device::Cuda && wanted > left)
            return log.fail({ErrorCode::OutOfMemory,
                             "the KV cache of this bench does not fit into memory; --force starts anyway",
                             {},
                             "--n-depth, --batch",
                             mebibytes(left) + " free",
                             mebibytes(wanted)});
        subject.model = o.randomWeights + " (drawn weights)";
        subject.format = dtypeName(*type);
    }
    const ModelWeights& weights = drawn ? drawn->weights() : opened.model->weights();
    auto backend = makeBackendFor(weights, o.model, {kvTokens, benchMaxBatch(plan), o.model.nThreads}, log);
    if (!backend) return log.fail(backend.error());
    subject.kvType = (*backend)->info().kvType;
    std::optional<ReadProbe> probe;
    if (deviceOf(o.model) == Device::Cpu) {
        probe.emplace((*backend)->info().nThreads);
        subject.readGBps = [&probe] { return probe->measureGBps(); };
    }
    uint64_t weightBytes = drawn ? drawn->nBytes() : opened.model->weightBytes();
    if (deviceOf(o.model) == Device::Cpu) weightBytes += cpuCopiedBytes(weightBytes);
    const auto report = [&](std::vector<BenchRow> done) -> Status {
        const int64_t peakBytes = processMemory().peakBytes - (probe ? static_cast<int64_t>(probe->nBytes()) : 0);
        for (BenchRow& row : done) {
            row.peakBytes = std::max<int64_t>(0, peakBytes);
            row.neededBytes =
                static_cast<int64_t>(weightBytes) + kvBytesPerToken(weights.shape, subject.kvType) * kvTokens;
        }
        auto text = formatBench(done, o.output);
        if (!text) return text.error();
        while (text->ends_with('\n')) text->pop_back();
        if (o.output.starts_with("json")) printJsonLine(*text);
        else if (o.output == "csv") printData(*text + "\n");
        else print(*text + "\n");
        return {};
    };
    std::vector<BenchRow> rows;
    std::mutex lock;
    std::vector<BenchRow> complete;  // under the lock: what there is to say where a step takes too long
    int64_t nTests = plan.attention.empty() ? 0 : benchTests(plan), nBegun = 0;
    if (wantsDeclared(o))
        nTests += static_cast<int64_t>(plan.depths.size() * plan.predictSizes.size() * plan.batches.size());
    const Eta eta;
    const BenchProgress progress = [&](const std::string& what) {
        {
            const std::lock_guard locked(lock);
            if (complete.size() != rows.size()) complete = rows;
        }
        log.progress("test " + std::to_string(nBegun + 1) + " of " + std::to_string(nTests) + ": " + what +
                     eta.left(nBegun, nTests));
        ++nBegun;
    };
    StopsInOrder stops([&] {
        const std::lock_guard locked(lock);
        if (!complete.empty()) (void)report(complete);
    });
    Status ran = runBench(**backend, weights, subject, plan, &stopFlag(), rows, progress);
    if (ran && wantsDeclared(o))
        ran = runDeclaredBench(**backend, *opened.model, subject, plan, &stopFlag(), rows, progress);
    stops.workIsOver();
    log.endProgress();
    if (!ran && rows.empty()) return log.fail(ran.error());
    if (auto ok = report(rows); !ok) return log.fail(ok.error());
    return ran ? kOk : log.fail(ran.error());  // what was measured before stands above
}

}  // namespace spanscope::cli
