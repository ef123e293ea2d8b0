// Groups steps, families and small of bench_cuda: whole decode steps and prompts of models with random weights.
#include <algorithm>
#include <chrono>

#include "tests/gpu/random_model.h"

namespace bench {
namespace {

/// Decodes nSteps at `depth` with nRows sequences. keep: tokens attended besides the tail of 32 (0 = dense), in runs of
/// 16; a new list every 20 steps, as phases change.
void decodeCase(CudaBackend& backend, const RandomModel& model, const std::string& name, int nRows, int depth, int keep,
                int nSteps) {
    check::Random random(3);
    std::vector<SequenceId> ids;
    for (int r = 0; r < nRows; ++r) {
        auto id = backend.createSequence(depth + nSteps + 8);
        if (!id.ok()) {
            std::printf("skipped %s: %s\n", name.c_str(), id.error().toString().c_str());
            for (SequenceId each : ids) backend.freeSequence(each);
            return;
        }
        ids.push_back(*id);
        need(backend.fillWithNoise(*id, depth, static_cast<uint32_t>(r + 1)));
    }
    const size_t rows = static_cast<size_t>(nRows);
    std::vector<std::vector<Interval>> lists(rows);
    std::vector<int32_t> tokens(rows, 1);
    std::vector<float> logprobs(rows);
    uint64_t maskId = 1;
    const auto newLists = [&](int position) {
        ++maskId;
        for (auto& list : lists) {
            list.clear();
            if (keep == 0) {
                list.push_back({0, kOpenEnd});
                continue;
            }
            list.push_back({0, 1});
            const int nRuns = (depth - 64) / 16;
            for (int i = 0; i < keep / 16; ++i) {  // evenly spread with a jitter: sorted as it is made
                const int lo = 1 + i * nRuns / (keep / 16), hi = 1 + (i + 1) * nRuns / (keep / 16);
                const int at = (lo + random.below(std::max(1, hi - lo))) * 16;
                if (list.back().end == at) list.back().end += 16;
                else list.push_back({at, at + 16});
            }
            list.push_back({position - 32, kOpenEnd});
        }
    };
    std::vector<double> wallUs, deviceUs, hostKeepUs, hostNewUs;
    const int kWarm = 4;
    double loadedTokensSum = 0;
    for (int step = 0; step < nSteps; ++step) {
        const int position = depth + step;
        const bool fresh = step % 20 == 0;
        if (fresh) newLists(position);
        std::vector<DecodeItem> items(rows);
        for (size_t r = 0; r < rows; ++r) {
            items[r].sequence = ids[r];
            items[r].token = tokens[r];
            items[r].position = position;
            items[r].visible = lists[r];
            items[r].maskId = maskId * 1000 + r;
        }
        const auto begin = std::chrono::steady_clock::now();
        need(backend.decode(items, {tokens, logprobs, {}}));
        const double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
        if (step < kWarm) continue;
        wallUs.push_back(us);
        deviceUs.push_back(static_cast<double>(backend.lastDeviceNs()) * 1e-3);
        (fresh ? hostNewUs : hostKeepUs).push_back(static_cast<double>(backend.lastHostNs()) * 1e-3);
        for (const auto& list : lists) loadedTokensSum += model.loadedOver(list, position);
    }
    const ModelShape& s = model.weights.shape;
    double total = 0;
    for (double us : wallUs) total += us;
    const double perStep =
        total / static_cast<double>(wallUs.size());  // the mean: steps with a new list are part of it
    const double bytes =
        model.weightBytes() + loadedTokensSum / static_cast<double>(wallUs.size()) * 4 * s.nKvHeads * s.headDim;
    emit(name, {{"us", perStep},
                {"prefetchMiB", static_cast<double>(backend.prefetchBytes(bucketFor(nRows))) / (1 << 20)},
                {"ownProducts", static_cast<double>(backend.nOwnProducts(bucketFor(nRows)))},
                {"deviceUs", median(deviceUs)},
                {"tokensPerS", 1e6 * nRows / perStep},
                {"bytes", bytes},
                {"GBps", bytes / perStep / 1e3},
                {"hostKeepUs", median(hostKeepUs)},
                {"hostNewUs", hostNewUs.empty() ? 0 : median(hostNewUs)}});
    // Where the time goes: stages serialised, not a throughput.
    backend.resetStageTimes();
    backend.setProfiling(true);
    std::vector<DecodeItem> items(rows);
    for (size_t r = 0; r < rows; ++r) {
        items[r].sequence = ids[r];
        items[r].position = depth + nSteps;
        items[r].visible = lists[r];
        items[r].maskId = maskId * 1000 + r;
    }
    need(backend.decode(items, {tokens, {}, {}}));
    backend.setProfiling(false);
    const StageTimes t = backend.stageTimes();
    emit(name + " stages", {{"attentionUs", static_cast<double>(t.attentionNs) * 1e-3},
                            {"matmulUs", static_cast<double>(t.matmulNs) * 1e-3},
                            {"otherUs", static_cast<double>(t.otherNs) * 1e-3}});
    for (SequenceId id : ids) backend.freeSequence(id);
}

/// What 2,048 tokens of prompt cost.
void prefillCase(CudaBackend& backend, const RandomModel& model) {
    check::Random random(8);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 2048; ++i) tokens.push_back(random.below(32000));
    const std::vector<Interval> all{{0, kOpenEnd}};
    const QueryRun run{0, 2048, all};
    std::vector<float> logits(32000);
    std::vector<double> us;
    for (int i = 0; i < 7; ++i) {
        auto id = backend.createSequence(2048);
        if (!id.ok()) stop(id.error().toString());
        backend.resetStageTimes();
        backend.setProfiling(i == 6);
        need(backend.prefill(*id, tokens, {&run, 1}, logits));
        if (i > 0 && i < 6) us.push_back(static_cast<double>(backend.lastDeviceNs()) * 1e-3);
        backend.freeSequence(*id);
    }
    backend.setProfiling(false);
    const double flops = 2.0 * 2048 * (model.weightBytes() / 2 - 32000.0 * 4096) + 32.0 * 2 * 2048 * 2048 * 4096;
    emit("prefill 7b 2048",
         {{"us", median(us)}, {"tokensPerS", 2048e6 / median(us)}, {"TFLOPs", flops / median(us) / 1e6}});
    const StageTimes t = backend.stageTimes();
    emit("prefill 7b 2048 stages", {{"attentionUs", static_cast<double>(t.attentionNs) * 1e-3},
                                    {"matmulUs", static_cast<double>(t.matmulNs) * 1e-3},
                                    {"otherUs", static_cast<double>(t.otherNs) * 1e-3}});
}

}  // namespace

/// Most important first: whoever runs this may have to stop it.
void steps() {
    size_t freeBytes = 0, totalBytes = 0;
    need(cudaMemGetInfo(&freeBytes, &totalBytes), "memory");
    const RandomModel model(32, 32, 32, 128, 4096, 11008, 32000);
    const double perToken = 524288;
    const double room = static_cast<double>(freeBytes) - model.weightBytes() - 4e9;
    const int64_t kvTokens = std::min<int64_t>(133000, static_cast<int64_t>(room / perToken));
    if (kvTokens < 4096) stop("too little device memory is free for a KV cache of 4,096 tokens");
    auto backend = load(model, 32, kvTokens);
    const std::string first = "step 7b batch 1 depth 512 dense";
    decodeCase(*backend, model, first, 1, 512, 0, 104);
    const int32_t rowsBig[] = {16, 32};
    for (int rows : rowsBig) {
        const std::string at = "step 7b batch " + std::to_string(rows) + " depth 1962 ";
        decodeCase(*backend, model, at + "dense", rows, 1962, 0, 64);
        decodeCase(*backend, model, at + "keep 1/4", rows, 1962, 480, 64);
        decodeCase(*backend, model, at + "keep 1/8", rows, 1962, 240, 64);
    }
    prefillCase(*backend, model);
    const int rows16 = kvTokens >= 8 * 16500 ? 8 : 4;
    const std::string at16 = "step 7b batch " + std::to_string(rows16) + " depth 16384 ";
    decodeCase(*backend, model, at16 + "dense", rows16, 16384, 0, 48);
    decodeCase(*backend, model, at16 + "keep 1/8", rows16, 16384, 2048, 48);
    decodeCase(*backend, model, at16 + "keep 1/16", rows16, 16384, 1024, 48);
    const int longest = static_cast<int>(std::min<int64_t>(131072, kvTokens / 16 * 16 - 256));
    decodeCase(*backend, model, "step 7b batch 1 depth 2048 keep 1024", 1, 2048, 1024, 64);
    decodeCase(*backend, model, "step 7b batch 1 depth " + std::to_string(longest / 1024) + "K keep 1024", 1, longest,
               1024, 64);
    decodeCase(*backend, model, "step 7b batch 4 depth 512 dense", 4, 512, 0, 64);
    for (int64_t mib : {0, 4, 16}) {  // the measured choice, against fixed ones
        backend->setPrefetchBytes(mib << 20);
        decodeCase(*backend, model, first + " prefetch " + std::to_string(mib) + " MiB", 1, 512, 0, 64);
    }
}

/// Shapes of other families, with what their layers have beside Llama's.
void families() {
    {
        RandomModel model(36, 32, 8, 128, 4096, 12288, 151936);
        model.normaliseHeads();
        auto backend = load(model, 16, 65536);
        decodeCase(*backend, model, "step qwen3-8b batch 1 depth 512 dense", 1, 512, 0, 104);
        decodeCase(*backend, model, "step qwen3-8b batch 1 depth 16384 keep 1024", 1, 16384, 1024, 64);
        decodeCase(*backend, model, "step qwen3-8b batch 16 depth 1962 dense", 16, 1962, 0, 64);
    }
    {
        const RandomModel model(26, 4, 1, 256, 1152, 6912, 262144, true);
        auto backend = load(model, 16, 65536);
        decodeCase(*backend, model, "step llama of gemma3-1b's sizes batch 1 depth 512 dense", 1, 512, 0, 104);
    }
    {
        const RandomModel model(30, 9, 3, 64, 576, 1536, 49152, true);
        auto backend = load(model, 32, 65536);
        decodeCase(*backend, model, "step smollm2-135m batch 1 depth 512 dense", 1, 512, 0, 200);
    }
    RandomModel model(26, 4, 1, 256, 1152, 6912, 262144, true);
    model.makeGemma3(512);
    auto backend = load(model, 16, 65536);
    decodeCase(*backend, model, "step gemma3-1b batch 1 depth 512 dense", 1, 512, 0, 104);
    decodeCase(*backend, model, "step gemma3-1b batch 1 depth 16384 dense", 1, 16384, 0, 64);
    decodeCase(*backend, model, "step gemma3-1b batch 16 depth 1962 dense", 16, 1962, 0, 64);
}

/// The bundled models' shape: bound by launches.
void small() {
    const RandomModel model(12, 4, 4, 64, 256, 704, 512);
    auto backend = load(model, 32, 65536);
    decodeCase(*backend, model, "step small batch 1 depth 512 dense", 1, 512, 0, 400);
    decodeCase(*backend, model, "step small batch 1 depth 512 keep 64", 1, 512, 64, 400);
    decodeCase(*backend, model, "step small batch 32 depth 512 dense", 32, 512, 0, 200);
}

}  // namespace bench
