#include "engine/decode/inspect.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/decode/masks.h"
#include "engine/decode/sampler.h"
#include "engine/decode/session.h"
#include "engine/policy/dense_policy.h"
#include "engine/types/interval_algebra.h"

namespace spanscope {

namespace {

constexpr int32_t kChunk = 128;  ///< rows of logits held at a time: two chunks of (kChunk, vocab) floats

/// log of the sum of exponentials.
double logSumExp(std::span<const float> logits) {
    double largest = -INFINITY, sum = 0;
    for (float l : logits) largest = std::max(largest, static_cast<double>(l));
    for (float l : logits) sum += std::exp(l - largest);
    return largest + std::log(sum);
}

int32_t topOf(std::span<const float> logits) {
    return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

Divergence divergenceOf(std::span<const float> reference, std::span<const float> other) {
    const double zr = logSumExp(reference), zo = logSumExp(other);
    Divergence d;
    for (size_t i = 0; i < reference.size(); ++i) {
        const double logP = reference[i] - zr;
        d.klNats += std::exp(logP) * (logP - (other[i] - zo));
    }
    d.klNats = std::max(0.0, d.klNats);  // rounding
    const int32_t top = topOf(reference);
    for (size_t i = 0; i < other.size(); ++i) {
        const float l = other[i], t = other[static_cast<size_t>(top)];
        if (l > t || (l == t && static_cast<int32_t>(i) < top)) ++d.rankOfReference;
    }
    d.sameTop = d.rankOfReference == 0;
    return d;
}

Status checkReplayable(const Model& model, const RunData& run) {
    const RunHeader& h = run.header;
    if (run.steps.empty()) return invalidArgument("the run has no steps to look into");
    if (h.modelHash != model.hash())
        return invalidArgument("the run was made with another model", model.name() + " " + model.hash(),
                               h.modelName + " " + h.modelHash);
    const int32_t vocab = model.weights().shape.vocab;
    const auto fits = [&](size_t at, int32_t id, const SharedIntervals& list) {
        const auto position = static_cast<int32_t>(at);
        return id >= 0 && id < vocab && list && mayRead(*list, position, position);
    };
    const size_t nPrompt = h.prompt.size();
    for (size_t i = 0; i < nPrompt + run.steps.size(); ++i) {
        const bool ok = i < nPrompt ? i < h.promptVisible.size() && fits(i, h.prompt[i].id, h.promptVisible[i])
                                    : fits(i, run.steps[i - nPrompt].token.id, run.steps[i - nPrompt].visible);
        if (!ok) return invalidArgument("the recorded run does not fit this model", "token " + std::to_string(i));
    }
    return {};
}

struct Inspector::Impl {
    std::shared_ptr<const Model> model;
    Backend* backend = nullptr;
    std::shared_ptr<const RunData> run;
    SequenceId recorded, dense;
    int32_t capacity = 0;                ///< of the recorded one
    std::vector<int32_t> tokens;         ///< prompt and response
    std::vector<SharedIntervals> lists;  ///< of each token's query, as recorded
    std::vector<SharedIntervals> denseLists;
    bool replayed = false;
    DivergenceCurve curve;

    ~Impl() {
        if (recorded.value >= 0) backend->freeSequence(recorded);
        if (dense.value >= 0) backend->freeSequence(dense);
    }

    size_t nPrompt() const { return run->header.prompt.size(); }
    size_t vocab() const { return static_cast<size_t>(model->weights().shape.vocab); }

    Status append(SequenceId sequence, const std::vector<SharedIntervals>& of, int32_t begin, int32_t end,
                  std::span<float> logits) const {
        const auto first = static_cast<size_t>(begin), n = static_cast<size_t>(end - begin);
        return backend->prefill(sequence, std::span<const int32_t>(tokens).subspan(first, n),
                                runsOf(std::span(of).subspan(first, n)), logits);
    }

    Result<ProbeResult> probeAt(SequenceId sequence, int32_t position, const IntervalList& list) const {
        return backend->probe({sequence, tokens[static_cast<size_t>(position)], position, list, {}});
    }

    std::vector<TokenChoice> best(std::span<const float> logits, int32_t n) const {
        std::vector<int32_t> order(logits.size());
        std::iota(order.begin(), order.end(), 0);
        const auto count = std::min<ptrdiff_t>(std::max(0, n), std::ssize(order));
        std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int32_t a, int32_t b) {
            const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
            return x != y ? x > y : a < b;
        });
        const double z = logSumExp(logits);
        std::vector<TokenChoice> choices;
        for (ptrdiff_t i = 0; i < count; ++i) {
            const int32_t id = order[static_cast<size_t>(i)];
            choices.push_back(
                {id, model->tokenizer().pieceName(id), static_cast<float>(logits[static_cast<size_t>(id)] - z)});
        }
        return choices;
    }

    Result<const StepRecord*> stepAt(int32_t step) const {
        if (!replayed) return invalidArgument("the run has not been replayed yet");
        if (step < 0 || static_cast<size_t>(step) >= run->steps.size())
            return invalidArgument("no such step", std::to_string(step),
                                   "0 to " + std::to_string(run->steps.size() - 1));
        return &run->steps[static_cast<size_t>(step)];
    }
};

Inspector::Inspector() : m_impl(std::make_unique<Impl>()) {}
Inspector::~Inspector() = default;

Result<std::unique_ptr<Inspector>> Inspector::create(std::shared_ptr<const Model> model, Backend& backend,
                                                     std::shared_ptr<const RunData> run) {
    if (auto ok = checkReplayable(*model, *run); !ok) return ok.error();
    if (run->stats.headAttendedTokens > 0)
        return Error{ErrorCode::Unsupported,
                     "each head of this run chose for itself what it read, which a replay does not repeat",
                     {},
                     "attention",
                     run->header.settings.attention.text(),
                     {}};
    std::unique_ptr<Inspector> inspector(new Inspector);
    Impl& m = *inspector->m_impl;
    const int32_t window = model->weights().shape.slidingWindow;
    RunMasks denseMasks(std::make_unique<DensePolicy>(), window, 0);
    auto add = [&](int32_t id, const SharedIntervals& list) {
        const auto position = static_cast<int32_t>(m.tokens.size());
        m.tokens.push_back(id);
        m.lists.push_back(list);
        TokenView view;
        view.position = position;
        m.denseLists.push_back(denseMasks.forPrompt(view).visible);
    };
    for (size_t i = 0; i < run->header.prompt.size(); ++i) add(run->header.prompt[i].id, run->header.promptVisible[i]);
    for (const StepRecord& step : run->steps) add(step.token.id, step.visible);
    m.model = std::move(model);
    m.backend = &backend;
    m.run = std::move(run);
    const auto nTokens = static_cast<int32_t>(m.tokens.size());
    auto dense = backend.createSequence(nTokens);
    if (!dense) return dense.error();
    m.dense = *dense;
    // Room to go on in, where there is any.
    m.capacity = std::max(nTokens, neededTokens(*m.model, m.run->header.settings, static_cast<int32_t>(m.nPrompt())));
    auto recorded = backend.createSequence(m.capacity);
    if (!recorded && m.capacity > nTokens) recorded = backend.createSequence(m.capacity = nTokens);
    if (!recorded) return recorded.error();
    m.recorded = *recorded;
    return inspector;
}

Status Inspector::replay(const std::atomic<bool>* stop, const std::function<void(int32_t, int32_t)>& progress) {
    Impl& m = *m_impl;
    if (m.replayed) return {};
    m.backend->truncate(m.recorded, 0);
    m.backend->truncate(m.dense, 0);
    m.curve = {};
    m.curve.runId = m.run->header.runId;
    const auto nTokens = static_cast<int32_t>(m.tokens.size());
    const auto nPrompt = static_cast<int32_t>(m.nPrompt());
    std::vector<float> recorded, dense;
    for (int32_t begin = 0; begin < nTokens;) {
        if (stop && stop->load(std::memory_order_relaxed))
            return Error{ErrorCode::Cancelled, "stopped while replaying the run"};
        // A chunk is of the prompt, whose logits nobody asks for, or of the response.
        const bool prompt = begin < nPrompt;
        const int32_t end = std::min(begin + kChunk, prompt ? nPrompt : nTokens);
        const size_t nLogits = prompt ? 0 : static_cast<size_t>(end - begin) * m.vocab();
        recorded.resize(nLogits);
        dense.resize(nLogits);
        if (auto ok = m.append(m.recorded, m.lists, begin, end, recorded); !ok) return ok;
        if (auto ok = m.append(m.dense, m.denseLists, begin, end, dense); !ok) return ok;
        for (int32_t i = 0; !prompt && i < end - begin; ++i) {
            const size_t row = static_cast<size_t>(i) * m.vocab();
            const auto a = std::span<const float>(dense).subspan(row, m.vocab());
            const auto b = std::span<const float>(recorded).subspan(row, m.vocab());
            const Divergence d = divergenceOf(a, b);
            if (!d.sameTop && m.curve.firstDifferent < 0)
                m.curve.firstDifferent = static_cast<int32_t>(m.curve.klNats.size());
            m.curve.klNats.push_back(static_cast<float>(d.klNats));
            m.curve.sameTop.push_back(d.sameTop ? 1 : 0);
            m.curve.topDense.push_back(topOf(a));
            m.curve.topRestricted.push_back(topOf(b));
        }
        begin = end;
        if (progress) progress(end, nTokens);
    }
    m.replayed = true;
    return {};
}

const DivergenceCurve& Inspector::curve() const { return m_impl->curve; }

bool Inspector::isOf(const RunData& run) const { return m_impl->run.get() == &run; }

OpenSequence Inspector::release() {
    Impl& m = *m_impl;
    m.backend->freeSequence(m.dense);
    m.dense = {};
    m.replayed = false;
    OpenSequence sequence{m.recorded, m.capacity, {std::move(m.tokens), std::move(m.lists)}};
    m.recorded = {};
    return sequence;
}

Result<StepProbe> Inspector::probe(int32_t step, const ProbeSettings& settings) {
    Impl& m = *m_impl;
    auto record = m.stepAt(step);
    if (!record) return record.error();
    const ModelShape& shape = m.model->weights().shape;
    if (settings.layer < -1 || settings.layer >= shape.nLayers || settings.head < -1 || settings.head >= shape.nHeads)
        return invalidArgument("no such layer or head",
                               std::to_string(settings.layer) + ":" + std::to_string(settings.head),
                               std::to_string(shape.nLayers) + " layers of " + std::to_string(shape.nHeads) + " heads");
    const int32_t position = (*record)->position;
    auto dense = m.probeAt(m.dense, position, *m.denseLists[static_cast<size_t>(position)]);
    if (!dense) return dense.error();
    auto mine = m.probeAt(m.recorded, position, *(*record)->visible);
    if (!mine) return mine.error();

    StepProbe p;
    p.runId = m.run->header.runId;
    p.step = step;
    p.position = position;
    p.nLayers = shape.nLayers;
    p.nHeads = shape.nHeads;
    p.visible = (*record)->visible;
    p.layer = settings.layer;
    p.head = settings.head;
    p.most = settings.most;
    const size_t nKeys = static_cast<size_t>(position) + 1;
    std::vector<uint8_t> inside(nKeys);
    for (size_t k = 0; k < nKeys; ++k) inside[k] = mayRead(*p.visible, position, static_cast<int32_t>(k)) ? 1 : 0;

    p.dense.assign(nKeys, 0);
    p.restricted.assign(nKeys, 0);
    std::vector<double> mean(nKeys, 0);
    const auto nRows = static_cast<size_t>(shape.nLayers) * static_cast<size_t>(shape.nHeads);
    size_t nChosen = 0;
    for (size_t row = 0; row < nRows; ++row) {
        const auto layer = static_cast<int32_t>(row / static_cast<size_t>(shape.nHeads));
        const auto head = static_cast<int32_t>(row % static_cast<size_t>(shape.nHeads));
        const bool chosen =
            (settings.layer < 0 || settings.layer == layer) && (settings.head < 0 || settings.head == head);
        nChosen += chosen ? 1 : 0;
        double kept = 0;
        for (size_t k = 0; k < nKeys; ++k) {
            const float d = dense->probabilities[row * nKeys + k];
            kept += inside[k] ? d : 0;
            mean[k] += d;
            if (!chosen) continue;
            const float r = mine->probabilities[row * nKeys + k];
            p.dense[k] = settings.most ? std::max(p.dense[k], d) : p.dense[k] + d;
            p.restricted[k] = settings.most ? std::max(p.restricted[k], r) : p.restricted[k] + r;
        }
        const double sink = dense->probabilities[row * nKeys], rest = 1 - sink;
        p.massKept.push_back(static_cast<float>(kept));
        p.massKeptNoSink.push_back(
            static_cast<float>(rest > 1e-9 ? std::clamp((kept - (inside[0] ? sink : 0)) / rest, 0.0, 1.0) : 1.0));
    }
    for (size_t k = 0; k < nKeys; ++k) {
        if (!settings.most) {
            p.dense[k] /= static_cast<float>(nChosen);
            p.restricted[k] /= static_cast<float>(nChosen);
        }
        const auto mass = static_cast<float>(mean[k] / static_cast<double>(nRows));
        (inside[k] ? p.wasted : p.missed).push_back({static_cast<int32_t>(k), mass});
    }
    std::stable_sort(p.missed.begin(), p.missed.end(), [](auto& a, auto& b) { return a.mass > b.mass; });
    std::stable_sort(p.wasted.begin(), p.wasted.end(), [](auto& a, auto& b) { return a.mass < b.mass; });
    const auto limit = static_cast<size_t>(std::max(0, settings.nPositions));
    if (p.missed.size() > limit) p.missed.resize(limit);
    if (p.wasted.size() > limit) p.wasted.resize(limit);
    p.divergence = divergenceOf(dense->logits, mine->logits);
    p.topDense = m.best(dense->logits, settings.nTop);
    p.topRestricted = m.best(mine->logits, settings.nTop);
    return p;
}

Result<StepEdit> Inspector::edit(int32_t step, const IntervalList& list, int32_t nTop) {
    Impl& m = *m_impl;
    auto record = m.stepAt(step);
    if (!record) return record.error();
    const int32_t position = (*record)->position;
    if (!isNormalised(list)) return invalidArgument("the edited list is not sorted and disjoint");
    if (!mayRead(list, position, position)) return invalidArgument("a step always reads its own token");
    auto dense = m.probeAt(m.dense, position, *m.denseLists[static_cast<size_t>(position)]);
    if (!dense) return dense.error();
    auto before = m.probeAt(m.recorded, position, *(*record)->visible);
    if (!before) return before.error();
    auto after = m.probeAt(m.recorded, position, list);
    if (!after) return after.error();
    StepEdit e;
    e.runId = m.run->header.runId;
    e.step = step;
    e.before = *(*record)->visible;
    e.after = list;
    e.attendedBefore = attendedTokens(e.before, position);
    e.attendedAfter = attendedTokens(e.after, position);
    e.loadedBefore = loadedTokens(e.before, position, m.run->header.layerWindows);
    e.loadedAfter = loadedTokens(e.after, position, m.run->header.layerWindows);
    e.topDense = m.best(dense->logits, nTop);
    e.topBefore = m.best(before->logits, nTop);
    e.topAfter = m.best(after->logits, nTop);
    e.denseToBefore = divergenceOf(dense->logits, before->logits);
    e.denseToAfter = divergenceOf(dense->logits, after->logits);
    e.beforeToAfter = divergenceOf(before->logits, after->logits);
    return e;
}

}  // namespace spanscope
