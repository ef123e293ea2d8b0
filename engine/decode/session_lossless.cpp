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
        if (auto ok = round(); !ok) {
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

/// Fills m_verified and leaves as many tokens more in the sequence.
Status Session::round() {
    const auto startedAt = Clock::now();
    m_verified.clear();
    m_nTaken = 0;
    RunStats& stats = m_data.stats;
    const int32_t nStored = m_tracker.nTokens();
    int32_t most = m_capacity - nStored - 1;
    if (const int32_t limit = m_data.header.settings.maxTokens; limit >= 0)
        most = std::min(most, limit - stats.responseTokens - 1);
    most = m_drafter->length().next(std::max(0, most));
    if (auto ok = m_drafter->draft(m_backend, m_sequence, m_tracker, m_sampler, m_pending.id, most, m_model->stopIds(),
                                   m_data.header.layerWindows);
        !ok)
        return ok;
    m_backend.truncate(m_sequence, nStored);
    const int64_t draftNs = nsSince(startedAt);

    const std::span<const DraftedToken> tokens = m_drafter->tokens();
    const size_t n = tokens.size();
    std::vector<DecodeItem> items;
    std::vector<int32_t> best(n);
    std::vector<float> logprob(n);
    for (const DraftedToken& t : tokens) {
        m_verified.push_back({m_masks.forStep(t.view), {}, DraftFate::None, {}, 0, 0});
        items.push_back({m_sequence, t.token, t.view.position, *m_verified.back().mask.visible, 0});
    }
    stats.draft.loadedTokens +=
        m_drafter->loadedTokens() +
        loadedTokens(*m_verified.back().mask.visible, items.back().position, m_data.header.layerWindows);
    m_logits.resize(needsLogits() ? n * static_cast<size_t>(m_model->weights().shape.vocab) : 0);
    if (auto ok = m_backend.decode(items, {best, logprob, m_logits}); !ok) return ok;
    if (auto ok = takeVerified(best, logprob); !ok) return ok;
    const size_t nVerified = m_verified.size();
    m_drafter->keep(nVerified);
    m_backend.truncate(m_sequence, nStored + static_cast<int32_t>(nVerified));

    const DraftFate last = m_verified.back().fate;
    const auto nDrafted = static_cast<int32_t>(m_drafter->drafted().size());
    const int64_t tookNs = nsSince(startedAt), deviceNs = m_drafter->deviceNs() + m_backend.lastDeviceNs();
    stats.draft.drafted += nDrafted;
    stats.draft.passes += 1;
    stats.draft.draftNs += draftNs;
    stats.draft.passNs += tookNs - draftNs;
    m_drafter->length().learn(nDrafted, draftNs, static_cast<int32_t>(n), tookNs - draftNs,
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
Status Session::takeVerified(std::span<const int32_t> best, std::span<const float> logprob) {
    const std::span<const DraftedToken> tokens = m_drafter->tokens();
    const std::span<const int32_t> drafted = m_drafter->drafted();
    const size_t vocab = m_logits.size() / tokens.size();
    size_t n = 0;
    for (bool goesOn = true; goesOn && n < tokens.size(); ++n) {
        Verified& v = m_verified[n];
        const SampledToken greedy{best[n], logprob[n]};
        const auto logits = logitsFor(m_sampler, greedy, std::span<const float>(m_logits).subspan(n * vocab, vocab),
                                      m_backend, n, m_late);
        if (!logits) return logits.error();
        m_sampler.accept(tokens[n].token);
        v.next = greedy;
        if (atLimit(static_cast<int32_t>(n) + 1)) goesOn = false;
        else v.next = forced(m_sampler.sample(*logits, greedy), *logits);
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
