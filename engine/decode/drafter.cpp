#include "engine/decode/drafter.h"

#include <algorithm>
#include <cmath>

#include "engine/decode/late_logits.h"
#include "engine/types/layer_windows.h"

namespace spanscope {

Drafter::Drafter(std::unique_ptr<MaskPolicy> policy, int32_t slidingWindow, int64_t runId, const SpanTracker& tracker,
                 const Sampler& sampler, int32_t fixedLength)
    : m_masks(std::move(policy), slidingWindow, runId), m_tracker(tracker), m_sampler(sampler), m_length(fixedLength) {}

Status Drafter::draft(Backend& backend, SequenceId sequence, const SpanTracker& tracker, const Sampler& sampler,
                      int32_t pending, int32_t most, std::span<const int32_t> stopIds, const LayerWindows& windows) {
    if (!m_follows || m_tracker.nTokens() != tracker.nTokens()) m_tracker = tracker;
    m_follows = false;
    m_sampler.follow(sampler);
    m_logits.resize(m_sampler.needsLogits() ? static_cast<size_t>(backend.shape().vocab) : 0);
    m_tokens.clear();
    m_drafted.clear();
    m_loadedTokens = m_deviceNs = 0;
    for (int32_t token = pending;;) {
        m_tokens.push_back({token, m_tracker.consume(token)});
        if (static_cast<int32_t>(m_drafted.size()) >= most) return {};
        const TokenView& view = m_tokens.back().view;
        const QueryMask mask = m_masks.forStep(view);
        const DecodeItem item{sequence, token, view.position, *mask.visible, mask.id};
        SampledToken greedy;
        if (auto ok = backend.decode({&item, 1}, {{&greedy.id, 1}, {&greedy.logprob, 1}, m_logits}); !ok) return ok;
        m_deviceNs += backend.lastDeviceNs();
        m_loadedTokens += spanscope::loadedTokens(*mask.visible, view.position, windows);
        m_sampler.accept(token);
        const auto logits = logitsFor(m_sampler, greedy, m_logits, backend, 0, m_late);
        if (!logits) return logits.error();
        const SampledToken next = m_sampler.sample(*logits, greedy);
        if (!std::isfinite(next.logprob)) return {};
        m_drafted.push_back(next.id);
        if (std::binary_search(stopIds.begin(), stopIds.end(), next.id)) return {};
        token = next.id;
    }
}

}  // namespace spanscope
