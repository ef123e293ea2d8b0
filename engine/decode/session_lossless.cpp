// Lossless steps: a round drafts some tokens and decodes them densely in one pass; what dense decoding says too, and
// its own token at the first difference or behind the last one, are the run's next tokens (docs/lossless.md).
//
// Draft and run draw with the same random numbers, so that a sampled run, too, has the very tokens of the dense run of
// its seed: a drafted token is accepted where the dense distribution gives the same one for the number drawn.
#include <algorithm>
#include <cmath>

#include "engine/decode/late_logits.h"
#include "engine/decode/session.h"
#include "engine/policy/declared_policy.h"
#include "engine/types/layer_windows.h"

namespace spanscope {

namespace {

using Clock = std::chrono::steady_clock;

int64_t nsSince(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

}  // namespace

Status Session::startDrafting() {
    const MaskPolicySpec& attention = m_data.header.settings.attention;
    if (!attention.isLossless()) return {};
    if (!m_prompt.policy.declares())
        return Error{ErrorCode::Unsupported,
                     "lossless drafts under declared spans, and there are none: the model or the "
                     "task has no span protocol"};
    draftUnder(std::make_unique<DeclaredPolicy>());
    return {};
}

void Session::draftUnder(std::unique_ptr<MaskPolicy> policy) {
    m_drafter =
        std::make_unique<Drafter>(std::move(policy), m_model->weights().shape.slidingWindow, m_data.header.runId,
                                  m_tracker, m_sampler, m_data.header.settings.attention.n);
}

Result<bool> Session::stepLossless() {
    auto startedAt = Clock::now();
    if (m_nTaken == m_verified.size()) {
        Session* const self = this;
        if (auto ok = m_rounds.decode(m_backend, {&self, 1}); !ok) {
            finish(StopReason::Failed);
            return ok.error();
        }
        startedAt = Clock::now();  // a round's time is in the shares of its tokens
    }
    Verified& v = m_verified[m_nTaken++];
    m_view = m_tracker.consume(m_pending.id);
    m_mask = v.mask;
    StepRecord record = nextRecord(v.deviceNs);
    DraftStats& draft = m_data.stats.draft;
    draft.accepted += v.fate == DraftFate::Accepted ? 1 : 0;
    draft.rejected += v.fate == DraftFate::Rejected ? 1 : 0;
    m_pendingFate = v.fate;
    m_pendingRejected = std::move(v.rejected);
    record.wallNs = v.wallNs + nsSince(startedAt);
    append(std::move(record), v.next);
    if (m_data.stats.stop == StopReason::NotFinite) return notFinite();
    return !finished();
}

bool Session::needsRound() const { return m_drafter && !editsList() && !finished() && m_nTaken == m_verified.size(); }

void Session::beginRound() {
    m_roundBegan = Clock::now();
    m_verified.clear();
    m_nTaken = 0;
    int32_t most = m_capacity - m_tracker.nTokens() - 1;
    if (const int32_t limit = m_data.header.settings.maxTokens; limit >= 0)
        most = std::min(most, limit - m_data.stats.responseTokens - 1);
    m_drafter->begin(m_tracker, m_sampler, m_pending.id, m_drafter->length().next(std::max(0, most)));
}

std::optional<DecodeItem> Session::draftItem() { return m_drafter->next(m_sequence); }

Status Session::takeDraft(size_t index, SampledToken greedy, std::span<const float> logits) {
    return m_drafter->take(m_backend, index, greedy, logits, m_model->stopIds(), m_data.header.layerWindows);
}

void Session::passItems(std::vector<DecodeItem>& items) {
    m_backend.truncate(m_sequence, m_tracker.nTokens());
    m_draftNs = nsSince(m_roundBegan);
    for (const DraftedToken& t : m_drafter->tokens()) {
        m_verified.push_back({m_masks.forStep(t.view), {}, DraftFate::None, {}, 0, 0});
        items.push_back({m_sequence, t.token, t.view.position, *m_verified.back().mask.visible, 0});
    }
    m_data.stats.draft.loadedTokens +=
        m_drafter->loadedTokens() +
        loadedTokens(*m_verified.back().mask.visible, items.back().position, m_data.header.layerWindows);
}

Status Session::takePass(size_t first, std::span<const int32_t> best, std::span<const float> logprob,
                         std::span<const float> logits) {
    const int32_t nStored = m_tracker.nTokens();
    const size_t n = m_verified.size();
    if (auto ok = takeVerified(first, best, logprob, logits); !ok) return ok;
    const size_t nVerified = m_verified.size();
    m_drafter->keep(nVerified);
    m_backend.truncate(m_sequence, nStored + static_cast<int32_t>(nVerified));

    RunStats& stats = m_data.stats;
    const DraftFate last = m_verified.back().fate;
    const auto nDrafted = static_cast<int32_t>(m_drafter->drafted().size());
    const int64_t tookNs = nsSince(m_roundBegan), deviceNs = m_drafter->deviceNs() + m_backend.lastDeviceNs();
    stats.draft.drafted += nDrafted;
    stats.draft.passes += 1;
    stats.draft.draftNs += m_draftNs;
    stats.draft.passNs += tookNs - m_draftNs;
    m_drafter->length().learn(nDrafted, m_draftNs, static_cast<int32_t>(n), tookNs - m_draftNs,
                              static_cast<int32_t>(nVerified) - (last == DraftFate::Accepted ? 0 : 1),
                              last == DraftFate::Rejected);
    for (size_t i = 0; i < nVerified; ++i) {  // in equal shares, to the nanosecond
        const auto part = [&](int64_t ns) {
            return ns / static_cast<int64_t>(nVerified) + (i < static_cast<size_t>(ns) % nVerified ? 1 : 0);
        };
        m_verified[i].wallNs = part(tookNs);
        m_verified[i].deviceNs = part(deviceNs);
    }
    return {};
}

/// Samples from the pass as the run would have step by step, up to the first token that was not drafted.
Status Session::takeVerified(size_t first, std::span<const int32_t> best, std::span<const float> logprob,
                             std::span<const float> logits) {
    const std::span<const DraftedToken> tokens = m_drafter->tokens();
    const std::span<const int32_t> drafted = m_drafter->drafted();
    const size_t vocab = logits.size() / tokens.size();
    size_t n = 0;
    for (bool goesOn = true; goesOn && n < tokens.size(); ++n) {
        Verified& v = m_verified[n];
        const SampledToken greedy{best[n], logprob[n]};
        const auto row = logitsFor(m_sampler, greedy, logits.subspan(n * vocab, vocab), m_backend, first + n, m_late);
        if (!row) return row.error();
        m_sampler.accept(tokens[n].token);
        v.next = greedy;
        if (atLimit(static_cast<int32_t>(n) + 1)) goesOn = false;
        else v.next = forced(m_sampler.sample(*row, greedy), *row);
        if (!goesOn || n >= drafted.size() || !std::isfinite(v.next.logprob)) {
            goesOn = false;
        } else if (v.next.id == drafted[n]) {
            v.fate = DraftFate::Accepted;
        } else {
            v.fate = DraftFate::Rejected;
            StreamDecoder decoder(m_model->tokenizer());
            v.rejected = tokenInfo(decoder, drafted[n]).text + decoder.flush();
            goesOn = false;
        }
    }
    m_verified.resize(n);
    return {};
}

}  // namespace spanscope
