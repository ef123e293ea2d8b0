// What one sequence of tokens is while it is decoded, whether alone (Session) or among others (Batch): tracker,
// sampler, masks, records and the run's own clock. The owner calls the backend. One thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "engine/decode/masks.h"
#include "engine/decode/prompt.h"
#include "engine/decode/sampler.h"
#include "engine/decode/session.h"

namespace spanscope {

/// Prompt tokens evaluated between two looks at the stop flag.
inline constexpr int32_t kPrefillChunk = 512;

class RunState {
  public:
    static Result<std::unique_ptr<RunState>> create(std::shared_ptr<const Model> model, Backend& backend,
                                                    const RunSettings& settings, int64_t runId);
    ~RunState();  ///< frees the backend's sequence
    RunState(const RunState&) = delete;
    RunState& operator=(const RunState&) = delete;

    /// Prefills and samples the first token. A second call is InvalidArgument.
    Status prefill(const std::atomic<bool>* stop, const PrefillProgress& progress);

    /// Gives the pending token to the tracker and says how the backend is to decode it. Spans stay valid until
    /// absorb().
    DecodeItem nextItem();
    bool needsLogits() const { return m_sampler.needsLogits(); }

    /// Takes the backend's answer to nextItem(): appends the StepRecord, samples, looks at the limits. The wall
    /// time is counted from `startedAt`. logits may be empty unless needsLogits(). A probability that is not finite
    /// ends the run with StopReason::NotFinite.
    void absorb(SampledToken greedy, std::span<const float> logits, int64_t deviceNs,
                std::chrono::steady_clock::time_point startedAt);

    /// What to tell somebody when the run ended with StopReason::NotFinite.
    Error notFinite() const;

    void finish(StopReason reason);
    bool prefilled() const { return m_prefilled; }
    bool finished() const { return m_data.stats.stop != StopReason::Running; }
    const RunData& data() const { return m_data; }
    RunData takeData() { return std::move(m_data); }
    SequenceId sequence() const { return m_sequence; }
    Backend& backend() const { return m_backend; }

  private:
    RunState(std::shared_ptr<const Model> model, Backend& backend, const RunSettings& settings, PreparedPrompt prompt,
             std::unique_ptr<MaskPolicy> policy, int64_t runId);
    void fillHeader(int64_t runId);
    void readPrompt();
    Status prefillChunk(int32_t begin, int32_t end, std::span<float> maybeLogits);
    void setPending(SampledToken token);
    void copySegments();
    TokenInfo tokenInfo(StreamDecoder& decoder, int32_t id) const;

    std::shared_ptr<const Model> m_model;
    Backend& m_backend;
    PreparedPrompt m_prompt;
    SpanTracker m_tracker;
    RunMasks m_masks;
    Sampler m_sampler;
    StreamDecoder m_text;
    SequenceId m_sequence;
    int32_t m_capacity = 0;
    RunData m_data;
    bool m_prefilled = false;

    SampledToken m_pending;  ///< sampled, not yet decoded
    TokenView m_view;        ///< of the token being decoded
    QueryMask m_mask;
    int64_t m_clockNs = 0;  ///< time spent inside this run
    int64_t m_firstTokenNs = 0;
    bool m_eosSampled = false;
};

}  // namespace spanscope
