#include "engine/decode/batch.h"

#include <algorithm>

namespace spanscope {

struct Batch::Impl {
    std::shared_ptr<const Model> model;
    Backend& backend;
    size_t maxSequences;
    std::vector<std::unique_ptr<Session>> runs;
    std::vector<RunData> ended;  ///< finished in prefill already
    std::vector<DecodeItem> items;
    std::vector<Session*> together;  ///< runs of the items
    std::vector<int32_t> argmax;
    std::vector<float> argmaxLogprob;
    std::vector<float> logits;
    Rounds rounds;
};

Batch::Batch(std::shared_ptr<const Model> model, Backend& backend, int32_t maxSequences)
    : m_impl(new Impl{
          std::move(model), backend, static_cast<size_t>(std::max(1, maxSequences)), {}, {}, {}, {}, {}, {}, {}, {}}) {}

Batch::~Batch() = default;

bool Batch::full() const { return m_impl->runs.size() >= m_impl->maxSequences; }
bool Batch::empty() const { return m_impl->runs.empty() && m_impl->ended.empty(); }

Status Batch::add(const RunSettings& settings, int64_t runId, const std::atomic<bool>* stop) {
    if (full()) return Error{ErrorCode::InvalidArgument, "the batch is full"};
    auto run = Session::create(m_impl->model, m_impl->backend, settings, runId);
    if (!run) return run.error();
    if (auto ok = (*run)->prefill(stop, {}); !ok) return ok;
    if ((*run)->finished()) {
        m_impl->ended.push_back((*run)->takeData());
    } else {
        m_impl->runs.push_back(std::move(*run));
    }
    return {};
}

Result<std::vector<RunData>> Batch::step() {
    Impl& b = *m_impl;
    std::vector<RunData> done = std::move(b.ended);
    b.ended.clear();
    if (b.runs.empty()) return done;

    const auto startedAt = std::chrono::steady_clock::now();
    const auto vocab = static_cast<size_t>(b.model->weights().shape.vocab);
    b.items.clear();
    b.together.clear();
    bool wantLogits = false;
    for (auto& run : b.runs) {
        if (run->isLossless()) continue;
        b.items.push_back(run->nextItem());
        b.together.push_back(run.get());
        wantLogits = wantLogits || run->needsLogits();
    }
    const size_t n = b.items.size();
    b.argmax.resize(n);
    b.argmaxLogprob.resize(n);
    b.logits.resize(wantLogits ? n * vocab : 0);
    const auto failed = [&](const Error& error) {
        for (auto& run : b.runs) run->finish(StopReason::Failed);
        return error;
    };
    if (n > 0)
        if (auto ok = b.backend.decode(b.items, {b.argmax, b.argmaxLogprob, b.logits}); !ok) return failed(ok.error());
    const int64_t deviceNs = b.backend.lastDeviceNs();
    for (size_t i = 0; i < n; ++i) {
        const auto logits =
            std::span<const float>(b.logits).subspan(wantLogits ? i * vocab : 0, wantLogits ? vocab : 0);
        const SampledToken greedy{b.argmax[i], b.argmaxLogprob[i]};
        if (auto ok = b.together[i]->absorb(i, greedy, logits, deviceNs, startedAt); !ok) return failed(ok.error());
    }
    b.together.clear();
    for (auto& run : b.runs)
        if (run->needsRound()) b.together.push_back(run.get());
    if (!b.together.empty())
        if (auto ok = b.rounds.decode(b.backend, b.together); !ok) return failed(ok.error());
    for (auto& run : b.runs) {
        for (bool goesOn = run->isLossless(); goesOn && !run->finished(); goesOn = run->nVerified() > 0) {
            auto more = run->step();
            if (!more && run->data().stats.stop == StopReason::Failed) return failed(more.error());
        }
        if (run->finished()) done.push_back(run->takeData());
    }
    std::erase_if(b.runs, [](const auto& run) { return run->finished(); });
    return done;
}

Status runBatched(std::shared_ptr<const Model> model, Backend& backend, int32_t maxSequences, const BatchNext& next,
                  const BatchDone& done, const std::atomic<bool>* stop) {
    Batch batch(std::move(model), backend, maxSequences);
    std::optional<std::pair<int64_t, RunSettings>> waiting = next();
    while (waiting || !batch.empty()) {
        if (stop && stop->load(std::memory_order_relaxed)) return Error{ErrorCode::Cancelled, "stopped"};
        while (waiting && !batch.full()) {
            auto ok = batch.add(waiting->second, waiting->first, stop);
            if (!ok && ok.error().code == ErrorCode::Cancelled) return ok;
            if (!ok && ok.error().code == ErrorCode::OutOfMemory && !batch.empty())
                break;  // room comes when one leaves
            if (!ok) done(waiting->first, ok.error());
            waiting = next();
        }
        auto ended = batch.step();
        if (!ended) return ended.error();
        for (RunData& run : *ended) {
            const int64_t id = run.header.runId;
            done(id, std::move(run));
        }
    }
    return {};
}

}  // namespace spanscope
