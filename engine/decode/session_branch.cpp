// A session that goes on from a recorded run: what is taken over, and the change that makes it another one.
#include <algorithm>
#include <cmath>

#include "engine/decode/session.h"
#include "engine/policy/policies.h"
#include "engine/tasks/task.h"
#include "engine/types/interval_algebra.h"

namespace spanscope {

/// What is left to do of a branch's change.
struct Session::Branch {
    std::vector<int32_t> given;          ///< prompt and steps taken over: (tokens)
    std::vector<SharedIntervals> lists;  ///< (tokens)
    int32_t nStored = 0;                 ///< of them
    std::optional<SampledToken> same;    ///< the token of the first new step, where it is the run's own
    std::vector<int32_t> tokens;         ///< to come, in the place of what is sampled
    size_t nForced = 0;
    // The edited list, as long as the phase of its step lasts.
    std::optional<IntervalList> list;
    IntervalList added, removed;
    bool inPhase = false;
    Phase phase = Phase::Free;
    int32_t segment = -1;
    SharedIntervals lastIn, lastOut;
};

Result<std::unique_ptr<Session>> Session::branch(std::shared_ptr<const Model> model, Backend& backend,
                                                 const RunData& from, const BranchPoint& point, OpenSequence sequence,
                                                 int64_t runId) {
    struct Owned {
        Backend& backend;
        SequenceId id;
        ~Owned() {
            if (id.value >= 0) backend.freeSequence(id);
        }
    } owned{backend, sequence.id};
    const RunHeader& h = from.header;
    const auto nSteps = static_cast<int32_t>(from.steps.size());
    const int32_t vocab = model->weights().shape.vocab, last = point.list ? nSteps - 1 : nSteps;
    if (h.modelHash != model->hash())
        return invalidArgument("the run was made with another model", model->name() + " " + model->hash(),
                               h.modelName + " " + h.modelHash);
    if (point.step < 0 || point.step > last)
        return invalidArgument("no such step", std::to_string(point.step), "0 to " + std::to_string(last));
    const auto position = static_cast<int32_t>(h.prompt.size()) + point.step;
    if (point.list && (!isNormalised(*point.list) || !mayRead(*point.list, position, position)))
        return invalidArgument("not a list of tokens that the step can read", "step " + std::to_string(point.step));
    const auto known = [&](int32_t id) { return id >= 0 && id < vocab; };
    bool fits = !h.prompt.empty() && std::all_of(point.tokens.begin(), point.tokens.end(), known);
    for (const TokenInfo& token : h.prompt) fits = fits && known(token.id);
    for (const StepRecord& step : from.steps) fits = fits && known(step.token.id);
    if (!fits) return invalidArgument("a token is not in the vocabulary", {}, "0 to " + std::to_string(vocab - 1));
    if (auto ok = checkSampler(h.settings.sampler); !ok) return ok.error();
    auto policy = makeMaskPolicy(h.settings.attention, backend.info());
    if (!policy) return policy.error();
    if ((*policy)->selector())
        return Error{ErrorCode::Unsupported,
                     "each head of this run chose for itself what it read, which a branch does not repeat",
                     {},
                     "attention",
                     h.settings.attention.text(),
                     {}};

    auto recorded = recordedPrompt(from);
    if (!recorded) return recorded.error();
    PreparedPrompt prompt = std::move(*recorded);
    if (owned.id.value < 0) {
        sequence.capacity =
            std::max(neededTokens(*model, h.settings, static_cast<int32_t>(prompt.ids.size())), position + 1);
        auto made = backend.createSequence(sequence.capacity);
        if (!made) return made.error();
        owned.id = *made;
        sequence.stored = {};
    }
    if (sequence.capacity < position) return checkPromptFits(position, sequence.capacity).error();

    std::unique_ptr<Session> session(
        new Session(std::move(model), backend, h.settings, std::move(prompt), std::move(*policy), runId));
    session->m_sequence = owned.id;
    session->m_capacity = sequence.capacity;
    owned.id = {};
    session->fillHeader(runId);
    session->m_data.header.branch = {point.ofRun, point.step,
                                     point.list             ? BranchEdit::Span
                                     : point.tokens.empty() ? BranchEdit::None
                                                            : BranchEdit::Token};
    session->readPrompt(h.promptVisible);
    if (auto ok = session->startDrafting(); !ok) return ok.error();
    session->takeOver(from, point.step);

    auto branch = std::make_shared<Branch>();
    for (const TokenInfo& token : h.prompt) branch->given.push_back(token.id);
    branch->lists = h.promptVisible;
    for (int32_t i = 0; i < point.step; ++i) {
        branch->given.push_back(from.steps[static_cast<size_t>(i)].token.id);
        branch->lists.push_back(from.steps[static_cast<size_t>(i)].visible);
    }
    branch->tokens = point.tokens;
    if (point.list) {
        const StepRecord& step = from.steps[static_cast<size_t>(point.step)];
        branch->same = SampledToken{step.token.id, step.logprob};
        branch->list = point.list;
        const IntervalList before = clip(*step.visible, 0, position + 1), after = clip(*point.list, 0, position + 1);
        branch->added = subtract(after, before);
        branch->removed = subtract(before, after);
    }
    // The last one is computed again where the logits after it are needed.
    const auto stored = static_cast<size_t>(std::max(0, backend.storedTokens(session->m_sequence)));
    const size_t most = std::min({stored, sequence.stored.ids.size(), sequence.stored.visible.size(),
                                  branch->given.size() - (branch->same ? 0 : 1)});
    size_t nStored = 0;
    while (nStored < most && sequence.stored.ids[nStored] == branch->given[nStored] &&
           *sequence.stored.visible[nStored] == *branch->lists[nStored])
        ++nStored;
    branch->nStored = static_cast<int32_t>(nStored);
    backend.truncate(session->m_sequence, branch->nStored);
    session->m_branch = std::move(branch);
    return session;
}

/// The first steps of `from`, as if this session had decoded them.
void Session::takeOver(const RunData& from, int32_t nSteps) {
    RunStats& stats = m_data.stats;
    const RunStats& theirs = from.stats;
    stats.keptTokens = theirs.keptTokens;
    stats.loadNs = theirs.loadNs;
    stats.prefillNs = theirs.prefillNs;
    m_firstTokenNs = m_clockNs = stats.ttftNs = theirs.ttftNs;
    for (int32_t i = 0; i < nSteps; ++i) {
        StepRecord step = from.steps[static_cast<size_t>(i)];
        const TokenView view = m_tracker.consume(step.token.id);
        (void)m_masks.forStep(view);  // a policy may count
        m_sampler.accept(step.token.id);
        step.token = tokenInfo(m_text, step.token.id);
        step.segment = view.segment;
        if (m_watch) (void)m_watch->repeats(step.token.text);
        stats.attendedTokens += step.attended;
        stats.loadedTokens += step.loaded;
        stats.causalTokens += step.causal;
        if (i > 0) stats.decodeNs = m_data.steps.back().atNs - m_firstTokenNs;
        m_clockNs = std::max(m_clockNs, step.atNs);
        m_data.steps.push_back(std::move(step));
    }
    stats.responseTokens = nSteps;
    stats.markupTokens = m_tracker.markupTokens();
    copySegments();
}

/// Computes what the sequence lacks, which is in none of the figures, and picks the first new token.
Status Session::prefillBranch(const std::atomic<bool>* stop, const PrefillProgress& progress) {
    Branch& b = *m_branch;
    const auto nGiven = static_cast<int32_t>(b.given.size());
    std::vector<float> logits(b.same ? 0 : static_cast<size_t>(m_model->weights().shape.vocab));
    for (int32_t begin = b.nStored; begin < nGiven; begin += kPrefillChunk) {
        if (stop && stop->load(std::memory_order_relaxed)) {
            finish(StopReason::Cancelled);
            return Error{ErrorCode::Cancelled, "stopped while reading the prompt"};
        }
        const int32_t end = std::min(nGiven, begin + kPrefillChunk);
        const auto first = static_cast<size_t>(begin), n = static_cast<size_t>(end - begin);
        if (auto ok = m_backend.prefill(m_sequence, std::span<const int32_t>(b.given).subspan(first, n),
                                        runsOf(std::span<const SharedIntervals>(b.lists).subspan(first, n)),
                                        end == nGiven ? std::span<float>(logits) : std::span<float>());
            !ok) {
            finish(StopReason::Failed);
            return ok;
        }
        if (progress) progress(end, nGiven);
    }
    m_prefilled = true;
    m_data.stats.kvStoredBytes = m_data.stats.kvBytesPerToken * m_backend.storedTokens(m_sequence);
    m_sampler.skip(m_data.steps.size() + (b.same ? 1 : 0));  // what the run drew for its own
    SampledToken next;
    if (b.same) {
        next = *b.same;
    } else {
        next = forced(m_sampler.sample(logits), logits);
    }
    if (!std::isfinite(next.logprob)) {
        finish(StopReason::NotFinite);
        return notFinite();
    }
    const int32_t limit = m_data.header.settings.maxTokens;
    if (limit >= 0 && m_data.stats.responseTokens >= limit) finish(StopReason::TokenLimit);
    else setPending(next);
    b.given = {};
    b.lists = {};
    return {};
}

bool Session::needsLogits() const {
    return m_sampler.needsLogits() || (m_branch && m_branch->nForced < m_branch->tokens.size());
}

/// The next token that the branch is to say, where one is left, with the probability that the model gave it.
SampledToken Session::forced(SampledToken sampled, std::span<const float> logits) {
    if (!m_branch || m_branch->nForced >= m_branch->tokens.size()) return sampled;
    const int32_t id = m_branch->tokens[m_branch->nForced++];
    return {id, logProbability(logits, id)};
}

bool Session::editsList() const { return m_branch && m_branch->list; }

QueryMask Session::edited(const QueryMask& mask) {
    if (!m_branch || !m_branch->list) return mask;
    Branch& b = *m_branch;
    if (!b.inPhase) {
        b.inPhase = true;
        b.phase = m_view.phase;
        b.segment = m_view.segment;
        b.lastIn = mask.visible;
        b.lastOut = std::make_shared<const IntervalList>(*b.list);
        return {b.lastOut, 0};
    }
    if (m_view.phase != b.phase || m_view.segment != b.segment) {
        b.list.reset();
        return mask;
    }
    if (mask.visible != b.lastIn || !mayRead(*b.lastOut, m_view.position, m_view.position)) {
        b.lastIn = mask.visible;
        IntervalList list = subtract(*mask.visible, b.removed);
        list.insert(list.end(), b.added.begin(), b.added.end());
        b.lastOut = std::make_shared<const IntervalList>(normalised(std::move(list)));
    }
    return {b.lastOut, 0};
}

}  // namespace spanscope
