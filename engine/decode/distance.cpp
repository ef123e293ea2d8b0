#include "engine/decode/distance.h"

#include <algorithm>
#include <optional>

#include "engine/decode/inspect.h"
#include "engine/decode/masks.h"
#include "engine/decode/prompt.h"
#include "engine/decode/session.h"
#include "engine/policy/dense_policy.h"
#include "engine/policy/policies.h"

namespace spanscope {

namespace {

/// Passes the choices of a policy on and keeps them.
class KeptChoices : public KeySelector {
  public:
    KeptChoices(KeySelector* inner, size_t nHeads) : m_inner(inner), m_lists(nHeads) {}
    std::span<const Interval> select(const HeadQuery& query) override {
        const std::span<const Interval> list = m_inner->select(query);
        m_lists[static_cast<size_t>(query.layer) * static_cast<size_t>(query.nHeads) + static_cast<size_t>(query.head)]
            .assign(list.begin(), list.end());
        return list;
    }
    const IntervalList& of(size_t head) const { return m_lists[head]; }

  private:
    KeySelector* m_inner;
    std::vector<IntervalList> m_lists;  ///< by layer and head
};

class DistanceMaker {
  public:
    DistanceMaker(const Model& model, Backend& backend, const RunData& run)
        : m_model(model), m_backend(backend), m_run(run), m_denseMasks(std::make_unique<DensePolicy>(), window(), 0) {}
    DistanceMaker(const DistanceMaker&) = delete;
    DistanceMaker& operator=(const DistanceMaker&) = delete;
    ~DistanceMaker() {
        for (const SequenceId sequence : {m_dense, m_own})
            if (sequence.value >= 0) m_backend.freeSequence(sequence);
    }

    Status prepare() {
        for (const TokenInfo& token : m_run.header.prompt) m_tokens.push_back(token.id);
        for (const StepRecord& step : m_run.steps) m_tokens.push_back(step.token.id);
        for (SequenceId* sequence : {&m_dense, &m_own}) {
            auto made = m_backend.createSequence(nTokens());
            if (!made) return made.error();
            *sequence = *made;
        }
        for (int32_t i = 0; i < nTokens(); ++i) {
            TokenView view;
            view.position = i;
            m_denseLists.push_back(m_denseMasks.forPrompt(view).visible);
        }
        return m_run.stats.headAttendedTokens > 0 ? choose() : Status();
    }

    /// The prompt, as the run read it and densely; of the response the dense reading, whose steps are then probed.
    Status readBoth(const std::atomic<bool>* stop, const std::function<void(int32_t, int32_t)>& progress) {
        const int32_t nObserved = m_masks ? std::min(m_masks->observedPrompt(), nPrompt()) : 0;
        const int32_t nTogether = nPrompt() - nObserved;
        std::vector<SharedIntervals> own = m_run.header.promptVisible;
        for (size_t i = 0; m_masks && i < own.size(); ++i) own[i] = m_masks->forPrompt(m_views[i]).visible;
        for (int32_t begin = 0; begin < nTokens(); begin += kPrefillChunk) {
            if (auto ok = goOn(stop); !ok) return ok;
            const int32_t end = std::min(begin + kPrefillChunk, nTokens());
            if (auto ok = append(m_dense, m_denseLists, begin, end); !ok) return ok;
            if (auto ok = begin < nTogether ? append(m_own, own, begin, std::min(end, nTogether)) : Status(); !ok)
                return ok;
            if (progress) progress(std::min(end, nPrompt()), nTokens());
        }
        for (int32_t at = nTogether; at < nPrompt(); ++at) {  // as the session does, so that the policy sees them
            if (auto ok = goOn(stop); !ok) return ok;
            const DecodeItem item{m_own, token(at), at, *own[static_cast<size_t>(at)], 0, &*m_choices};
            if (auto ok = m_backend.decode({&item, 1}, {}); !ok) return ok;
        }
        return {};
    }

    Status step(size_t index, DivergenceCurve& curve) {
        const StepRecord& record = m_run.steps[index];
        const auto at = static_cast<size_t>(record.position);
        std::vector<float> logits(static_cast<size_t>(m_model.weights().shape.vocab));
        const SharedIntervals list = m_masks ? m_masks->forStep(m_views[at]).visible : record.visible;
        const DecodeItem item{m_own, record.token.id, record.position, *list, 0, m_masks ? &*m_choices : nullptr};
        if (auto ok = m_backend.decode({&item, 1}, {{}, {}, logits}); !ok) return ok;
        auto dense = m_backend.probe({m_dense, record.token.id, record.position, *m_denseLists[at], {}});
        if (!dense) return dense.error();
        const Divergence d = divergenceOf(dense->logits, logits);
        if (!d.sameTop && curve.firstDifferent < 0) curve.firstDifferent = record.index;
        const auto top = [](const std::vector<float>& row) {
            return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
        };
        curve.klNats.push_back(static_cast<float>(d.klNats));
        curve.sameTop.push_back(d.sameTop ? 1 : 0);
        curve.topDense.push_back(top(dense->logits));
        curve.topRestricted.push_back(top(logits));
        curve.massKept.push_back(static_cast<float>(kept(dense->probabilities, *list, record.position)));
        return {};
    }

    int32_t nTokens() const { return static_cast<int32_t>(m_tokens.size()); }

    static Status goOn(const std::atomic<bool>* stop) {
        if (!stop || !stop->load(std::memory_order_relaxed)) return {};
        return Error{ErrorCode::Cancelled, "stopped while the run was measured against dense attention"};
    }

  private:
    int32_t window() const { return m_model.weights().shape.slidingWindow; }
    int32_t nPrompt() const { return static_cast<int32_t>(m_run.header.prompt.size()); }
    int32_t token(int32_t at) const { return m_tokens[static_cast<size_t>(at)]; }
    size_t nHeads() const {
        const ModelShape& shape = m_model.weights().shape;
        return static_cast<size_t>(shape.nLayers) * static_cast<size_t>(shape.nHeads);
    }

    /// The policy of a run whose heads chose, and what it is told of each token.
    Status choose() {
        auto policy = makeMaskPolicy(m_run.header.settings.attention, m_backend.info());
        if (!policy)
            return Error{ErrorCode::Unsupported,
                         policy.error().message,
                         {},
                         "attention",
                         m_run.header.settings.attention.text()};
        if (!(*policy)->selector())
            return Error{ErrorCode::Unsupported,
                         "each head of this run chose for itself, which this policy does not",
                         {},
                         "attention",
                         m_run.header.settings.attention.text()};
        auto prompt = recordedPrompt(m_run);
        if (!prompt) return prompt.error();
        SpanTracker tracker = trackerFor(m_model, prompt->policy);
        m_views = prompt->policy.vocabulary ? tracker.consumePrompt(prompt->ids, prompt->chunks)
                                            : tracker.consumePrompt(prompt->ids);
        for (const StepRecord& step : m_run.steps) m_views.push_back(tracker.consume(step.token.id));
        m_masks.emplace(std::move(*policy), window(), 0);
        m_choices.emplace(m_masks->selector(), nHeads());
        return {};
    }

    Status append(SequenceId sequence, const std::vector<SharedIntervals>& lists, int32_t begin, int32_t end) {
        const auto first = static_cast<size_t>(begin), n = static_cast<size_t>(end - begin);
        return m_backend.prefill(sequence, std::span<const int32_t>(m_tokens).subspan(first, n),
                                 runsOf(std::span<const SharedIntervals>(lists).subspan(first, n)), {});
    }

    /// probabilities: (nLayers, nHeads, position + 1), dense.
    double kept(const std::vector<float>& probabilities, const IntervalList& list, int32_t position) const {
        const size_t nKeys = static_cast<size_t>(position) + 1;
        double sum = 0;
        for (size_t head = 0; head < nHeads(); ++head) {
            const float* row = probabilities.data() + head * nKeys;
            for (const Interval& interval : m_choices ? m_choices->of(head) : list) {
                const Interval c = clipToQuery(interval, position);
                for (int32_t k = c.begin; k < c.end; ++k) sum += static_cast<double>(row[k]);
            }
        }
        return std::min(1.0, sum / static_cast<double>(nHeads()));
    }

    const Model& m_model;
    Backend& m_backend;
    const RunData& m_run;
    SequenceId m_dense, m_own;
    std::vector<int32_t> m_tokens;  ///< prompt and response
    RunMasks m_denseMasks;
    std::vector<SharedIntervals> m_denseLists;
    // Of a run whose heads chose.
    std::vector<TokenView> m_views;
    std::optional<RunMasks> m_masks;
    std::optional<KeptChoices> m_choices;
};

}  // namespace

Result<DivergenceCurve> distanceFromDense(const Model& model, Backend& backend, const RunData& run,
                                          const std::atomic<bool>* stop,
                                          const std::function<void(int32_t, int32_t)>& progress) {
    if (auto ok = checkReplayable(model, run); !ok) return ok.error();
    DistanceMaker maker(model, backend, run);
    if (auto ok = maker.prepare(); !ok) return ok.error();
    if (auto ok = maker.readBoth(stop, progress); !ok) return ok.error();
    DivergenceCurve curve;
    curve.runId = run.header.runId;
    for (size_t i = 0; i < run.steps.size(); ++i) {
        if (auto ok = DistanceMaker::goOn(stop); !ok) return ok.error();
        if (auto ok = maker.step(i, curve); !ok) return ok.error();
        if (progress) progress(run.steps[i].position + 1, maker.nTokens());
    }
    return curve;
}

}  // namespace spanscope
