#include "engine/decode/session.h"

#include <algorithm>
#include <cmath>

#include "engine/decode/late_logits.h"
#include "engine/decode/machine.h"
#include "engine/model/step_bytes.h"
#include "engine/policy/policies.h"
#include "engine/tasks/task.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "spanscope_version.h"

namespace spanscope {

namespace {

using Clock = std::chrono::steady_clock;

int64_t nsSince(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

/// What a model must not say: ids that stand for nothing, and while the protocol runs pieces that hide a line end.
std::vector<int32_t> forbiddenIds(const Model& model, bool hasProtocol) {
    const Tokenizer& tokenizer = model.tokenizer();
    std::vector<int32_t> ids(tokenizer.holes().begin(), tokenizer.holes().end());
    if (hasProtocol) ids.insert(ids.end(), tokenizer.lineEndPieces().begin(), tokenizer.lineEndPieces().end());
    for (int32_t id = tokenizer.vocabSize(); id < model.weights().shape.vocab; ++id) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, Backend& backend,
                                                 const RunSettings& settings, int64_t runId) {
    const auto startedAt = Clock::now();
    if (auto ok = checkSampler(settings.sampler); !ok) return ok.error();
    auto policy = makeMaskPolicy(settings.attention, backend.info());
    if (!policy) return policy.error();
    auto prompt = preparePrompt(*model, settings);
    if (!prompt) return prompt.error();
    const auto nPrompt = static_cast<int32_t>(prompt->ids.size());
    const int32_t capacity = neededTokens(*model, settings, nPrompt);
    if (auto ok = checkPromptFits(nPrompt, capacity); !ok) return ok.error();
    auto sequence = backend.createSequence(capacity);
    if (!sequence) return sequence.error();

    std::unique_ptr<Session> session(
        new Session(std::move(model), backend, settings, std::move(*prompt), std::move(*policy), runId));
    session->m_sequence = *sequence;
    session->m_capacity = capacity;
    session->fillHeader(runId);
    session->readPrompt({});
    if (auto ok = session->startDrafting(); !ok) return ok.error();
    session->m_clockNs = nsSince(startedAt);
    return session;
}

Result<std::unique_ptr<Session>> Session::resume(std::shared_ptr<const Model> model, Backend& backend,
                                                 const RunSettings& settings, PreparedPrompt prompt,
                                                 const OpenSequence& sequence, int64_t runId) {
    const auto startedAt = Clock::now();
    if (auto ok = checkSampler(settings.sampler); !ok) return ok.error();
    auto policy = makeMaskPolicy(settings.attention, backend.info());
    if (!policy) return policy.error();
    if (prompt.ids.empty()) return invalidArgument("the prompt has no tokens");
    if (auto ok = checkPromptFits(static_cast<int32_t>(prompt.ids.size()), sequence.capacity); !ok) return ok.error();

    const auto& stored = sequence.stored.ids;
    const size_t most = std::min(
        {stored.size(), prompt.ids.size() - 1, static_cast<size_t>(std::max(0, backend.storedTokens(sequence.id)))});
    size_t nKept = 0;
    while (nKept < most && stored[nKept] == prompt.ids[nKept]) ++nKept;
    backend.truncate(sequence.id, static_cast<int32_t>(nKept));

    std::unique_ptr<Session> session(
        new Session(std::move(model), backend, settings, std::move(prompt), std::move(*policy), runId));
    session->m_sequence = sequence.id;
    session->m_ownsSequence = false;
    session->m_capacity = sequence.capacity;
    session->fillHeader(runId);
    session->readPrompt(std::span(sequence.stored.visible).first(nKept));
    if (auto ok = session->startDrafting(); !ok) return ok.error();
    session->m_clockNs = nsSince(startedAt);
    return session;
}

Session::Session(std::shared_ptr<const Model> model, Backend& backend, const RunSettings& settings,
                 PreparedPrompt prompt, std::unique_ptr<MaskPolicy> policy, int64_t runId)
    : m_model(std::move(model)),
      m_backend(backend),
      m_prompt(std::move(prompt)),
      m_tracker(trackerFor(*m_model, m_prompt.policy)),
      m_masks(std::move(policy), m_model->weights().shape.slidingWindow, runId),
      m_sampler(settings.sampler, forbiddenIds(*m_model, m_prompt.policy.hasProtocol)),
      m_text(m_model->tokenizer()),
      m_watch(m_prompt.task->watch(m_prompt.text)) {
    m_data.header.settings = settings;
}

Session::~Session() {
    if (m_ownsSequence) m_backend.freeSequence(m_sequence);
}

void Session::fillHeader(int64_t runId) {
    RunHeader& h = m_data.header;
    const ModelShape& shape = m_model->weights().shape;
    const BackendInfo backend = m_backend.info();
    h.runId = runId;
    h.settings.task = std::string(m_prompt.task->name());
    h.formattedPrompt = m_prompt.text;
    h.modelName = m_model->name();
    h.modelHash = m_model->hash();
    if (const AdapterInfo* adapter = m_model->adapter()) h.adapter = {adapter->name, adapter->hash, adapter->rank};
    h.backend = backend.name;
    h.device = backend.device;
    h.kvType = dtypeName(backend.kvType);
    h.machine = describeMachine();
    h.programVersion = std::string(kVersion) + " (" + kCommit + ")";
    h.nThreads = backend.nThreads;
    h.nLayers = shape.nLayers;
    h.nHeads = shape.nHeads;
    h.nKvHeads = shape.nKvHeads;
    h.layerWindows = layerWindowsOf(shape);
    h.weightBytesPerStep = static_cast<int64_t>(weightBytesPerStep(m_model->weights()));
    h.warning = m_prompt.warning;
    h.exactAnswer = m_prompt.exactAnswer;
    h.uncheckable = m_prompt.uncheckable;
    h.hasProtocol = m_prompt.policy.hasProtocol;
    h.prefill = m_prompt.policy.prefill;
    h.heads = m_prompt.policy.heads;
    if (m_prompt.policy.vocabulary) h.vocabulary = m_prompt.policy.vocabulary->name;
    m_data.stats.promptTokens = static_cast<int32_t>(m_prompt.ids.size());
    m_data.stats.kvBytesPerToken = kvBytesPerToken(shape, backend.kvType);
}

/// kept: the lists of the first tokens, where the sequence holds them already.
void Session::readPrompt(std::span<const SharedIntervals> kept) {
    RunHeader& h = m_data.header;
    StreamDecoder decoder(m_model->tokenizer());
    h.prompt.reserve(m_prompt.ids.size());
    for (int32_t id : m_prompt.ids) {
        h.prompt.push_back(tokenInfo(decoder, id));
        m_sampler.accept(id);
    }
    if (!h.prompt.empty()) h.prompt.back().text += decoder.flush();
    const std::vector<TokenView> views = m_prompt.policy.vocabulary
                                             ? m_tracker.consumePrompt(m_prompt.ids, m_prompt.chunks)
                                             : m_tracker.consumePrompt(m_prompt.ids);
    for (const TokenView& view : views) h.promptVisible.push_back(m_masks.forPrompt(view).visible);
    std::copy(kept.begin(), kept.end(), h.promptVisible.begin());
    m_data.stats.keptTokens = static_cast<int32_t>(kept.size());
    m_data.segments = m_tracker.segments();
    m_data.violations = m_tracker.violations();
}

TokenInfo Session::tokenInfo(StreamDecoder& decoder, int32_t id) const {
    const Tokenizer& tokenizer = m_model->tokenizer();
    TokenInfo info;
    info.id = id;
    info.special = tokenizer.isSpecial(id);
    info.text = decoder.feed(id);
    if (tokenizer.isControl(id)) info.text += tokenizer.pieceName(id);  // no bytes of its own, but a chip to draw
    return info;
}

Status Session::prefill(const std::atomic<bool>* stop, const PrefillProgress& progress) {
    if (m_prefilled || finished()) return invalidArgument("the run has been prefilled already");
    if (m_branch) return prefillBranch(stop, progress);
    auto startedAt = Clock::now();
    RunStats& stats = m_data.stats;
    const auto nPrompt = static_cast<int32_t>(m_prompt.ids.size());
    std::vector<float> logits(static_cast<size_t>(m_model->weights().shape.vocab));
    const int32_t nObserved = std::min(m_masks.observedPrompt(), nPrompt - stats.keptTokens);
    const int32_t nTogether = nPrompt - nObserved;  // the others one by one
    for (int32_t begin = stats.keptTokens; begin < nPrompt;) {
        if (stop && stop->load(std::memory_order_relaxed)) {
            finish(StopReason::Cancelled);
            return Error{ErrorCode::Cancelled, "stopped while reading the prompt"};
        }
        const int32_t end = begin < nTogether ? std::min(nTogether, begin + kPrefillChunk) : begin + 1;
        const bool last = end == nPrompt;
        const std::span<float> wanted = last ? std::span<float>(logits) : std::span<float>();
        if (auto ok = begin < nTogether ? prefillChunk(begin, end, wanted) : observe(begin, wanted); !ok) {
            finish(StopReason::Failed);
            return ok;
        }
        begin = end;
        if (progress && !last) {  // a watcher's time is not the run's
            stats.prefillNs += nsSince(startedAt);
            progress(end, nPrompt);
            startedAt = Clock::now();
        }
    }
    m_prefilled = true;
    const SampledToken first = m_sampler.sample(logits);
    stats.prefillNs += nsSince(startedAt);
    m_clockNs += stats.prefillNs;
    m_firstTokenNs = stats.ttftNs = m_clockNs;
    stats.kvStoredBytes = stats.kvBytesPerToken * m_backend.storedTokens(m_sequence);
    if (!std::isfinite(first.logprob)) {
        finish(StopReason::NotFinite);
        return notFinite();
    }
    if (m_data.header.settings.maxTokens > 0) m_data.steps.reserve(static_cast<size_t>(m_capacity - nPrompt));
    if (m_data.header.settings.maxTokens == 0) {
        finish(StopReason::TokenLimit);
    } else {
        setPending(first);
    }
    if (progress) progress(nPrompt, nPrompt);
    return {};
}

Error Session::notFinite() const {
    return Error{
        ErrorCode::Format, "the model's output is not a number: its weights hold NaN or infinity, or lead to them here",
        m_model->path(),   "logits after token " + std::to_string(m_tracker.nTokens() - 1),
        "NaN or infinity", "finite numbers"};
}

Status Session::prefillChunk(int32_t begin, int32_t end, std::span<float> maybeLogits) {
    const auto first = static_cast<size_t>(begin), n = static_cast<size_t>(end - begin);
    return m_backend.prefill(m_sequence, std::span<const int32_t>(m_prompt.ids).subspan(first, n),
                             runsOf(std::span(m_data.header.promptVisible).subspan(first, n)), maybeLogits);
}

/// One token of the prompt as a decode step, for a policy that looks at its queries.
Status Session::observe(int32_t at, std::span<float> maybeLogits) {
    const auto i = static_cast<size_t>(at);
    const DecodeItem item{m_sequence, m_prompt.ids[i], at, *m_data.header.promptVisible[i], 0, m_masks.selector()};
    return m_backend.decode({&item, 1}, {{}, {}, maybeLogits});
}

void Session::setPending(SampledToken token) {
    RunStats& stats = m_data.stats;
    const std::span<const int32_t> stops = m_model->stopIds();
    if (std::binary_search(stops.begin(), stops.end(), token.id)) {
        m_eosSampled = true;
        stats.stopId = token.id;
        stats.stopPiece = m_model->tokenizer().pieceName(token.id);
        stats.responseTokens += 1;
        finish(StopReason::EndOfText);
    } else if (m_tracker.nTokens() >= m_capacity) {
        finish(StopReason::ContextFull);
    } else {
        m_pending = token;
    }
}

Result<bool> Session::step() {
    if (finished()) return false;
    if (!m_prefilled) return invalidArgument("step() before prefill()");
    if (m_drafter && !editsList()) return stepLossless();
    m_logits.resize(needsLogits() ? static_cast<size_t>(m_model->weights().shape.vocab) : 0);
    const auto startedAt = Clock::now();
    const DecodeItem item = nextItem();
    SampledToken greedy;
    if (auto ok = m_backend.decode({&item, 1}, {{&greedy.id, 1}, {&greedy.logprob, 1}, m_logits}); !ok) {
        finish(StopReason::Failed);
        return ok.error();
    }
    if (auto ok = absorb(0, greedy, m_logits, m_backend.lastDeviceNs(), startedAt); !ok) {
        finish(StopReason::Failed);
        return ok.error();
    }
    if (m_data.stats.stop == StopReason::NotFinite) return notFinite();
    return !finished();
}

DecodeItem Session::nextItem() {
    m_view = m_tracker.consume(m_pending.id);
    m_mask = edited(m_masks.forStep(m_view));
    return {m_sequence, m_pending.id, m_view.position, *m_mask.visible, m_mask.id, m_masks.selector()};
}

Status Session::absorb(size_t index, SampledToken greedy, std::span<const float> logits, int64_t deviceNs,
                       Clock::time_point startedAt) {
    const auto needed = logitsFor(m_sampler, greedy, logits, m_backend, index, m_late);
    if (!needed) return needed.error();
    StepRecord record = nextRecord(deviceNs);
    m_sampler.accept(m_pending.id);
    const SampledToken next = atLimit(0) ? greedy : forced(m_sampler.sample(*needed, greedy), *needed);
    record.wallNs = nsSince(startedAt);
    append(std::move(record), next);
    return {};
}

/// Of the pending token, which has been decoded; all but its time. Counts it.
StepRecord Session::nextRecord(int64_t deviceNs) {
    RunStats& stats = m_data.stats;
    StepRecord record;
    record.index = static_cast<int32_t>(m_data.steps.size());
    record.position = m_view.position;
    record.token = tokenInfo(m_text, m_pending.id);
    record.segment = m_view.segment;
    record.phase = m_view.phase;
    record.visible = m_mask.visible;
    const std::optional<HeadsRead> byHead = m_masks.headsRead();
    if (byHead) {
        record.visible = byHead->any;
        record.heads = byHead->counts;
    }
    record.attended = attendedTokens(*record.visible, record.position);
    record.loaded = loadedTokens(*record.visible, record.position, m_data.header.layerWindows);
    record.causal = record.position + 1;
    record.deviceNs = deviceNs;
    record.logprob = m_pending.logprob;
    record.draft = m_pendingFate;
    record.rejectedText = std::move(m_pendingRejected);
    m_pendingFate = DraftFate::None;
    m_pendingRejected.clear();
    copySegments();

    stats.responseTokens += 1;
    stats.markupTokens = m_tracker.markupTokens();
    stats.attendedTokens += record.attended;
    if (byHead) stats.headAttendedTokens += std::llround(byHead->mean);
    stats.loadedTokens += record.loaded;
    stats.causalTokens += record.causal;
    stats.kvStoredBytes = stats.kvBytesPerToken * record.causal;
    return record;
}

/// Whether `nMore` tokens after those that have their records are as many as were asked for.
bool Session::atLimit(int32_t nMore) const {
    const int32_t limit = m_data.header.settings.maxTokens;
    return limit >= 0 && m_data.stats.responseTokens + nMore >= limit;
}

/// next: what follows, unless the run ends here.
void Session::append(StepRecord record, const SampledToken& next) {
    RunStats& stats = m_data.stats;
    m_clockNs += record.wallNs;
    record.atNs = m_clockNs;
    // The token decoded now became available one step ago.
    stats.decodeNs = m_data.steps.empty() ? 0 : m_data.steps.back().atNs - m_firstTokenNs;
    m_data.steps.push_back(std::move(record));
    const bool repeats = m_watch && m_watch->repeats(m_data.steps.back().token.text);

    if (!std::isfinite(next.logprob)) {
        finish(StopReason::NotFinite);
    } else if (m_tracker.segmentTooLong()) {
        finish(StopReason::SegmentTooLong);
    } else if (m_tracker.answered()) {
        finish(StopReason::Answered);
    } else if (repeats) {
        finish(StopReason::Repeats);
    } else if (atLimit(0)) {
        finish(StopReason::TokenLimit);
    } else {
        setPending(next);
    }
}

/// Only the last segment known so far can have changed; everything before it is closed.
void Session::copySegments() {
    const auto& now = m_tracker.segments();
    auto& mine = m_data.segments;
    if (!mine.empty() && mine.size() <= now.size()) mine.back() = now[mine.size() - 1];
    for (size_t i = mine.size(); i < now.size(); ++i) mine.push_back(now[i]);
    const auto& violations = m_tracker.violations();
    for (size_t i = m_data.violations.size(); i < violations.size(); ++i) m_data.violations.push_back(violations[i]);
    const auto& changes = m_tracker.changes();
    for (size_t i = m_data.changes.size(); i < changes.size(); ++i) m_data.changes.push_back(changes[i]);
}

void Session::finish(StopReason reason) {
    if (finished() || reason == StopReason::Running) return;
    RunStats& stats = m_data.stats;
    if (m_nTaken < m_verified.size()) m_backend.truncate(m_sequence, m_tracker.nTokens());
    m_tracker.finish(reason);
    copySegments();
    if (m_eosSampled) {
        stats.markupTokens = m_tracker.markupTokens() + 1;
        if (!m_data.steps.empty()) stats.decodeNs = m_data.steps.back().atNs - m_firstTokenNs;
    }
    if (!m_data.steps.empty()) m_data.steps.back().token.text += m_text.flush();
    std::vector<int32_t> ids;
    ids.reserve(m_data.steps.size());
    for (const StepRecord& step : m_data.steps) ids.push_back(step.token.id);
    const std::string text = m_model->tokenizer().decode(ids);
    m_data.answer =
        m_prompt.policy.vocabulary ? answerIn(*m_prompt.policy.vocabulary, text) : m_prompt.task->answer(text);
    stats.stop = reason;
}

Status runInterleaved(const std::vector<Session*>& sessions, int32_t sliceSteps, const std::atomic<bool>* stop,
                      const std::function<void(Session&)>& onStep) {
    bool anyLeft = true;
    while (anyLeft) {
        anyLeft = false;
        for (Session* session : sessions) {
            for (int32_t i = 0; i < sliceSteps && !session->finished(); ++i) {
                if (stop && stop->load(std::memory_order_relaxed)) {
                    for (Session* s : sessions) s->finish(StopReason::Cancelled);
                    return Error{ErrorCode::Cancelled, "stopped"};
                }
                auto more = session->step();
                if (!more) return more.error();
                if (onStep) onStep(*session);
            }
            anyLeft = anyLeft || !session->finished();
        }
    }
    return {};
}

}  // namespace spanscope
