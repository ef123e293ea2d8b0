// The draft of a lossless run: some tokens ahead of it, decoded under a sparse list and with a tracker and a sampler of
// its own, which follow the run's. The run then decodes them densely in one pass and keeps what dense decoding says too
// (Session::round). One sequence holds both: the draft's keys and values lie where the pass puts dense ones over them.
// Owned by one run; one thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/decode/draft_length.h"
#include "engine/decode/masks.h"
#include "engine/decode/sampler.h"
#include "engine/span/tracker.h"
#include "engine/types/layer_windows.h"
#include "kernels/backend.h"

namespace spanscope {

struct DraftedToken {
    int32_t token = 0;
    TokenView view;
};

class Drafter {
  public:
    /// policy: of the draft; its lists follow from the view alone, since views come again after a rejected draft.
    Drafter(std::unique_ptr<MaskPolicy> policy, int32_t slidingWindow, int64_t runId, const SpanTracker& tracker,
            const Sampler& sampler, int32_t fixedLength);

    // A draft is begin(), then next() and take() in turn until next() has nothing more, so that several drafts can have
    // their tokens decoded together.

    /// Of `pending`, the run's next token, and what follows it. `most`: tokens after it at most, 0 or more.
    void begin(const SpanTracker& tracker, const Sampler& sampler, int32_t pending, int32_t most);
    /// What the backend is to decode into the sequence, which has as many tokens as the tracker of begin() and those
    /// drafted since. Spans stay valid until the next call.
    std::optional<DecodeItem> next(SequenceId sequence);
    /// What the backend's last decode() found for item `index`, that of next(). given: (vocab), may be empty unless
    /// needsLogits(). stopIds: sorted; a draft ends with one. Errors of the backend.
    Status take(Backend& backend, size_t index, SampledToken greedy, std::span<const float> given,
                std::span<const int32_t> stopIds, const LayerWindows& windows);
    bool needsLogits() const { return m_sampler.needsLogits(); }

    /// What a pass decodes: the pending token and what was drafted behind it, but for a stop token.
    std::span<const DraftedToken> tokens() const { return m_tokens; }
    /// (drafted): what stands behind each of tokens(); one fewer, or as many where the last is a stop token.
    std::span<const int32_t> drafted() const { return m_drafted; }
    int64_t loadedTokens() const { return m_loadedTokens; }  ///< KV tokens, by the last draft
    int64_t deviceNs() const { return m_deviceNs; }          ///< of the last draft

    /// Of the last draft `nKept` of tokens() were emitted.
    void keep(size_t nKept) { m_follows = nKept == m_tokens.size(); }
    DraftLength& length() { return m_length; }

  private:
    RunMasks m_masks;
    SpanTracker m_tracker;
    Sampler m_sampler;
    DraftLength m_length;
    std::vector<DraftedToken> m_tokens;
    std::vector<int32_t> m_drafted;
    QueryMask m_mask;           // of the item that next() gave
    std::vector<float> m_late;  // (vocab) of a row that was not asked for and is needed
    int32_t m_token = 0;        // the next one that is decoded
    int32_t m_most = 0;
    bool m_ended = true;
    int64_t m_loadedTokens = 0, m_deviceNs = 0;
    bool m_follows = true;  // m_tracker is where the run's is
};

}  // namespace spanscope
