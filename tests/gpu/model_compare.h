// The CUDA backend against the float64 reference on one model: prefill, decode under changing lists, probe, truncation,
// passes with several rows of a sequence.
#pragma once

#include <algorithm>
#include <memory>

#include "kernels/backends.h"
#include "kernels/cuda/cuda_backend.h"
#include "tests/gpu/tiny_model.h"

namespace check {

inline bool fine(const Status& s, const char* what) {
    that(s.ok(), std::string(what) + (s.ok() ? "" : ": " + s.error().toString()), __FILE__, __LINE__);
    return s.ok();
}

struct Plan {
    std::vector<int32_t> prompt;
    std::vector<Interval> segments;            ///< of a segmented prompt; empty = causal
    std::vector<std::vector<Interval>> lists;  ///< of each decode step
    std::vector<uint64_t> maskIds;
    std::vector<int32_t> tokens;
};

/// farLists: some lists hold old tokens only, so that a window leaves nothing of them.
inline Plan makePlan(int vocab, int nPrompt, int nSteps, bool segmented, bool farLists, Random& random) {
    Plan plan;
    for (int i = 0; i < nPrompt; ++i) plan.prompt.push_back(random.below(vocab));
    if (segmented) {
        int at = 0;
        while (at < nPrompt) {
            const int end = std::min(nPrompt, at + 1 + random.below(40));
            plan.segments.push_back({at, end});
            at = end;
        }
    }
    std::vector<Interval> list{{0, kOpenEnd}};
    uint64_t id = random.next() | 1;
    for (int step = 0; step < nSteps; ++step) {
        const int position = nPrompt + step;
        if (step > 0 && random.below(5) == 0) {  // a phase border
            ++id;
            list.clear();
            switch (random.below(farLists ? 4 : 3)) {
                case 0: list.push_back({0, kOpenEnd}); break;
                case 1: list = {{0, 1}, {position, kOpenEnd}}; break;
                case 3: list = {{0, std::min(3, position)}}; break;
                default: {
                    const int a = 1 + random.below(position), b = std::min(position, a + random.below(30));
                    list.push_back({0, 1});
                    if (a < b) list.push_back({a, b});
                    list.push_back({position, kOpenEnd});
                }
            }
        }
        plan.lists.push_back(list);
        plan.maskIds.push_back(id);
        plan.tokens.push_back(random.below(vocab));
    }
    return plan;
}

inline constexpr int kMostQueries = 19;  ///< rows of one sequence in a pass

/// Cuts sequences and decodes some tokens of each in one step, as a verified draft is; several times, then one token
/// of each.
inline void comparePasses(const std::vector<Plan>& plans, Backend* const (&backends)[2],
                          const std::vector<SequenceId> (&ids)[2], int nSteps, int maxRows, double tolerance,
                          const std::string& name, Random& random, double& worst) {
    const size_t vocab = static_cast<size_t>(backends[0]->shape().vocab);
    const int nSequences = static_cast<int>(plans.size());
    for (int pass = 0; pass < 4; ++pass) {
        const bool single = pass == 3;
        std::vector<DecodeItem> items[2];
        int nRows = 0;
        for (int q = 0; q < nSequences; ++q) {
            const Plan& plan = plans[static_cast<size_t>(q)];
            const int room = std::min(kMostQueries, maxRows - nRows - (nSequences - 1 - q));
            const int nQueries = single ? 1 : pass == 0 && q == 0 ? room : 1 + random.below(room);
            const int32_t at =
                std::max(0, static_cast<int32_t>(plan.prompt.size()) + nSteps - 1 - kMostQueries - random.below(20));
            const size_t list = random.below(2) ? plan.lists.size() - 1 : 0;
            for (int b = 0; b < 2; ++b) {
                if (!single) backends[b]->truncate(ids[b][static_cast<size_t>(q)], at);
                const int32_t stored = backends[b]->storedTokens(ids[b][static_cast<size_t>(q)]);
                for (int i = 0; i < nQueries; ++i) {
                    DecodeItem item;
                    item.sequence = ids[b][static_cast<size_t>(q)];
                    item.token = (7 * q + 3 * i + pass) % static_cast<int>(vocab);
                    item.position = stored + i;
                    item.visible = plan.lists[list];
                    item.maskId = plan.maskIds[list];
                    items[b].push_back(item);
                }
            }
            nRows += nQueries;
        }
        std::vector<float> logits[2];
        std::vector<int32_t> argmax(items[0].size());
        for (int b = 0; b < 2; ++b) {
            logits[b].assign(vocab * items[b].size(), NAN);
            if (!fine(backends[b]->decode(items[b], {argmax, {}, logits[b]}), "pass")) return;
        }
        for (size_t row = 0; row < items[0].size(); ++row) {
            const double error = relativeError(logits[1].data() + row * vocab, logits[0].data() + row * vocab, vocab);
            worst = std::max(worst, error);
            CHECK_THAT(error < tolerance, name + " pass " + std::to_string(pass) + " row " + std::to_string(row) +
                                              " of " + std::to_string(nRows) + ": error " + std::to_string(error));
            const float* l = logits[1].data() + row * vocab;
            CHECK_THAT(argmax[row] == static_cast<int>(std::max_element(l, l + vocab) - l), name + " pass, argmax");
        }
    }
}

/// Compares prefill logits and every decode step of nSequences that run together.
inline void compare(const TinyModel& model, DType kvType, int nSequences, int nPrompt, int nSteps, bool segmented,
                    double tolerance, const std::string& name, uint64_t seed) {
    const bool farLists = !model.weights.shape.layerKinds.empty();
    Random random(seed);
    BackendOptions options;
    options.maxBatch = std::min(cuda::kMaxBatch, nSequences + kMostQueries);
    options.kvTokens = static_cast<int64_t>(nSequences) * (nPrompt + nSteps + 40);
    options.kvType = kvType;
    auto reference = makeReferenceBackend(model.weights, options, true);
    auto made = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(reference.ok() && made.ok(), made.ok() ? name : made.error().toString());
    if (!reference.ok() || !made.ok()) return;
    made.value()->setPrefetchBytes(seed % 2 ? int64_t{1} << 22 : 0);  // a hint, from both sides: no result changes
    made.value()->setSkinny(static_cast<int32_t>(seed / 2 % 3) - 1);  // who forms the products: another rounding
    Backend* backends[2] = {reference.value().get(), made.value().get()};
    const size_t vocab = static_cast<size_t>(model.weights.shape.vocab);
    std::vector<Plan> plans;
    std::vector<SequenceId> ids[2];
    double worst = 0;
    for (int q = 0; q < nSequences; ++q) {
        const Plan plan =
            makePlan(model.weights.shape.vocab, std::max(1, nPrompt - 3 * q), nSteps, segmented, farLists, random);
        std::vector<QueryRun> runs;
        std::vector<std::vector<Interval>> lists;
        if (plan.segments.empty()) lists.push_back({{0, kOpenEnd}});
        for (const Interval& s : plan.segments) {
            if (s.begin == 0) lists.push_back({{0, kOpenEnd}});
            else lists.push_back({{0, 1}, {s.begin, kOpenEnd}});
        }
        for (size_t i = 0; i < lists.size(); ++i) {
            QueryRun run;
            run.begin = plan.segments.empty() ? 0 : plan.segments[i].begin;
            run.end = plan.segments.empty() ? static_cast<int32_t>(plan.prompt.size()) : plan.segments[i].end;
            run.visible = lists[i];
            runs.push_back(run);
        }
        std::vector<float> logits[2];
        for (int b = 0; b < 2; ++b) {
            auto id = backends[b]->createSequence(static_cast<int32_t>(plan.prompt.size()) + nSteps);
            CHECK_THAT(id.ok(), name);
            if (!id.ok()) return;
            ids[b].push_back(*id);
            logits[b].assign(vocab * plan.prompt.size(), NAN);
            if (!fine(backends[b]->prefill(*id, plan.prompt, runs, logits[b]), "prefill")) return;
        }
        const double error = relativeError(logits[1].data(), logits[0].data(), logits[0].size());
        worst = std::max(worst, error);
        CHECK_THAT(error < tolerance,
                   name + " prefill of " + std::to_string(plan.prompt.size()) + ": error " + std::to_string(error));
        plans.push_back(plan);
    }
    for (int step = 0; step < nSteps; ++step) {
        std::vector<float> logits[2];
        std::vector<int32_t> argmax[2];
        std::vector<float> logprob[2];
        for (int b = 0; b < 2; ++b) {
            std::vector<DecodeItem> items;
            for (int q = 0; q < nSequences; ++q) {
                const Plan& plan = plans[static_cast<size_t>(q)];
                DecodeItem item;
                item.sequence = ids[b][static_cast<size_t>(q)];
                item.token = plan.tokens[static_cast<size_t>(step)];
                item.position = static_cast<int32_t>(plan.prompt.size()) + step;
                item.visible = plan.lists[static_cast<size_t>(step)];
                item.maskId = plan.maskIds[static_cast<size_t>(step)];
                items.push_back(item);
            }
            logits[b].assign(vocab * static_cast<size_t>(nSequences), NAN);
            argmax[b].resize(static_cast<size_t>(nSequences));
            logprob[b].resize(static_cast<size_t>(nSequences));
            const bool late = step % 2 == 1;  // asked for with the step, or afterwards
            DecodeOutput output{argmax[b], logprob[b], {}};
            if (!late) output.maybeLogits = logits[b];
            if (!fine(backends[b]->decode(items, output), "decode")) return;
            for (size_t q = 0; late && q < items.size(); ++q)
                if (!fine(backends[b]->lateLogits(q, std::span(logits[b]).subspan(q * vocab, vocab)), "late logits"))
                    return;
            CHECK_THAT(!backends[b]->lateLogits(late ? items.size() : 0, std::span(logits[b]).first(vocab)).ok(),
                       name + " late logits of a row that is not there");
        }
        const double error = relativeError(logits[1].data(), logits[0].data(), logits[0].size());
        worst = std::max(worst, error);
        CHECK_THAT(error < tolerance, name + " step " + std::to_string(step) + ": error " + std::to_string(error));
        for (int q = 0; q < nSequences; ++q) {  // what was sampled agrees with the logits it was sampled from
            const float* row = logits[1].data() + static_cast<size_t>(q) * vocab;
            const int best = static_cast<int>(std::max_element(row, row + vocab) - row);
            double sum = 0;
            for (size_t i = 0; i < vocab; ++i) sum += std::exp(static_cast<double>(row[i] - row[best]));
            CHECK_THAT(argmax[1][static_cast<size_t>(q)] == best, name + " argmax");
            CHECK_THAT(std::fabs(static_cast<double>(logprob[1][static_cast<size_t>(q)]) + std::log(sum)) < 1e-3,
                       name + " logprob");
        }
    }
    // Probe in the middle: logits, probabilities, and nothing changed by it.
    {
        const Plan& plan = plans[0];
        const std::vector<Interval> list{
            {0, 1}, {std::max<int32_t>(2, static_cast<int32_t>(plan.prompt.size()) / 2), kOpenEnd}};
        const std::vector<int32_t> layers{model.weights.shape.nLayers - 1};
        Result<ProbeResult> results[2] = {Error{}, Error{}};
        for (int b = 0; b < 2; ++b) {
            ProbeRequest request;
            request.sequence = ids[b][0];
            request.position = static_cast<int32_t>(plan.prompt.size()) + nSteps / 2;
            request.token = plan.tokens[static_cast<size_t>(nSteps / 2)];
            request.visible = list;
            request.layers = layers;
            results[b] = backends[b]->probe(request);
            CHECK_THAT(results[b].ok(), name + " probe" + (results[b].ok() ? "" : results[b].error().toString()));
            if (!results[b].ok()) return;
        }
        CHECK_THAT(results[0]->probabilities.size() == results[1]->probabilities.size(), name);
        const double logitError = relativeError(results[1]->logits.data(), results[0]->logits.data(), vocab);
        const double probError = relativeError(results[1]->probabilities.data(), results[0]->probabilities.data(),
                                               results[0]->probabilities.size());
        CHECK_THAT(logitError < tolerance, name + " probe logits " + std::to_string(logitError));
        CHECK_THAT(probError < 2 * tolerance, name + " probe probabilities " + std::to_string(probError));
        // Back four tokens, then one step more: truncation, rebuild of the list, and the cache as it was.
        std::vector<float> logits[2];
        for (int b = 0; b < 2; ++b) {
            const int32_t kept = static_cast<int32_t>(plan.prompt.size()) + nSteps - 4;
            backends[b]->truncate(ids[b][0], kept);
            CHECK_THAT(backends[b]->storedTokens(ids[b][0]) == kept, name);
            DecodeItem item;
            item.sequence = ids[b][0];
            item.token = 1;
            item.position = kept;
            item.visible = plan.lists.back();
            item.maskId = plan.maskIds.back();
            logits[b].assign(vocab, NAN);
            DecodeOutput output{{}, {}, logits[b]};
            if (!fine(backends[b]->decode({&item, 1}, output), "decode after truncate")) return;
        }
        const double error = relativeError(logits[1].data(), logits[0].data(), vocab);
        CHECK_THAT(error < tolerance, name + " after truncate: error " + std::to_string(error));
    }
    comparePasses(plans, backends, ids, nSteps, options.maxBatch, tolerance, name, random, worst);
    std::printf("%-44s worst error %.2e\n", name.c_str(), worst);
}

}  // namespace check
