#include "engine/decode/drafter.h"

#include <algorithm>
#include <cmath>

#include "engine/decode/late_logits.h"
#include "engine/types/layer_windows.h"

namespace spanscope {

Drafter::Drafter(std::unique_ptr<MaskPolicy> policy, int32_t slidingWindow, int64_t runId, const SpanTracker& tracker,
                 const Sampler& sampler, int32_t fixedLength)
    : m_masks(std::move(policy), slidingWindow, runId), m_tracker(tracker), m_sampler(sampler), m_length(fixedLength) {}

void Drafter::begin(const SpanTracker& tracker, const Sampler& sampler, int32_t pending, int32_t most) {
    if (!m_follows || m_tracker.nTokens() != tracker.nTokens()) m_tracker = tracker;
    m_follows = false;
    m_sampler.follow(sampler);
    m_tokens.clear();
    m_drafted.clear();
    m_loadedTokens = m_deviceNs = 0;
    m_token = pending;
    m_most = most;
    m_ended = false;
}

std::optional<DecodeItem> Drafter::next(SequenceId sequence) {
    if (m_ended) return std::nullopt;
    m_tokens.push_back({m_token, m_tracker.consume(m_token)});
    m_ended = static_cast<int32_t>(m_drafted.size()) >= m_most;
    if (m_ended) return std::nullopt;
    const TokenView& view = m_tokens.back().view;
    m_mask = m_masks.forStep(view);
    return DecodeItem{sequence, m_token, view.position, *m_mask.visible, m_mask.id};
}

Status Drafter::take(Backend& backend, size_t index, SampledToken greedy, std::span<const float> given,
                     std::span<const int32_t> stopIds, const LayerWindows& windows) {
    m_deviceNs += backend.lastDeviceNs();
    m_loadedTokens += spanscope::loadedTokens(*m_mask.visible, m_tokens.back().view.position, windows);
    m_sampler.accept(m_token);
    const auto logits = logitsFor(m_sampler, greedy, given, backend, index, m_late);
    if (!logits) return logits.error();
    const SampledToken next = m_sampler.sample(*logits, greedy);
    m_ended = true;
    if (!std::isfinite(next.logprob)) return {};
    m_drafted.push_back(next.id);
    m_token = next.id;
    m_ended = std::binary_search(stopIds.begin(), stopIds.end(), next.id);
    return {};
}

}  // namespace spanscope
