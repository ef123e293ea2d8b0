// One run: prompt in, tokens out, a StepRecord for each. Owns the span tracker, the sampler, the masks, the run's clock
// and one sequence of a backend it is lent; a run that goes on in a sequence of somebody else's is lent that, too. The
// caller drives it step by step, so that a worker can stop, interleave two runs fairly, or draw between steps; a Batch
// drives several at once and calls the backend itself. One thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/decode/drafter.h"
#include "engine/decode/masks.h"
#include "engine/decode/prompt.h"
#include "engine/decode/rounds.h"
#include "engine/decode/sampler.h"
#include "engine/model/model.h"
#include "engine/tasks/response_watch.h"
#include "engine/types/records.h"
#include "kernels/backend.h"

namespace spanscope {

/// Prompt tokens evaluated between two looks at the stop flag.
inline constexpr int32_t kPrefillChunk = 512;

/// Prompt tokens done so far and their total.
using PrefillProgress = std::function<void(int32_t done, int32_t total)>;

/// What a sequence of a backend holds, and under which lists it was computed. (tokens) each.
struct StoredTokens {
    std::vector<int32_t> ids;
    std::vector<SharedIntervals> visible;
};

/// A sequence that outlives the runs in it.
struct OpenSequence {
    SequenceId id;
    int32_t capacity = 0;  ///< that it was created with
    StoredTokens stored;
};

/// Where a run leaves another one and what is changed there.
struct BranchPoint {
    int64_t ofRun = 0;  ///< for BranchOrigin
    int32_t step = 0;   ///< the first that is decoded anew; as many as the run has: after its end
    /// What that step reads in the place of its own list, with its token left as it is. What this adds and takes away
    /// holds for the rest of the step's phase.
    std::optional<IntervalList> list;
    std::vector<int32_t> tokens;  ///< of that step and those after it, in the place of the run's own
};

class Session {
  public:
    /// Formats and encodes the prompt (InvalidArgument with a column where the text is wrong), makes the policy
    /// (Unsupported where it needs what the backend has not) and the sequence. model and backend outlive the session. A
    /// lossless run wants a backend that decodes MaskPolicySpec::itemsTogether() items (InvalidArgument from step()
    /// otherwise) and a model that declares (Unsupported).
    static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, Backend& backend,
                                                   const RunSettings& settings, int64_t runId);
    /// A run that goes on in an open sequence: of what that holds, the longest common beginning with the prompt is kept
    /// (all but the prompt's last token at most), the rest is forgotten, and prefill() evaluates what is new. The
    /// header repeats the lists of what was kept. settings: its task and prompt only describe the run. Errors as
    /// create().
    static Result<std::unique_ptr<Session>> resume(std::shared_ptr<const Model> model, Backend& backend,
                                                   const RunSettings& settings, PreparedPrompt prompt,
                                                   const OpenSequence& sequence, int64_t runId);
    /// A run that goes on from another one: its first steps are taken over as they were recorded, times included. What
    /// `sequence` holds of them is kept, the rest prefill() computes. The sequence is the session's from this call on;
    /// without one (an id of -1) one is made. Under the settings of `from`, seed included: without a change the branch
    /// says what `from` said. InvalidArgument: another model, no such step, a list without the step's own token, tokens
    /// outside the vocabulary. Other errors as create().
    static Result<std::unique_ptr<Session>> branch(std::shared_ptr<const Model> model, Backend& backend,
                                                   const RunData& from, const BranchPoint& point, OpenSequence sequence,
                                                   int64_t runId);
    ~Session();  ///< frees the backend's sequence, unless it was lent
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// In chunks; stop (may be null) is looked at between chunks. Samples the first token. A second call is
    /// InvalidArgument.
    Status prefill(const std::atomic<bool>* stop, const PrefillProgress& progress);

    /// Drafts under this policy in the place of what the model declares; before prefill() of a lossless run. Whatever
    /// it hides, what is said stays dense's. Its lists must follow from the view alone.
    void draftUnder(std::unique_ptr<MaskPolicy> policy);

    /// Decodes one token and appends its StepRecord; a lossless run drafts and verifies some at once and then hands
    /// them out one a call. False when the run has ended (data().stats.stop says why).
    Result<bool> step();

    /// Ends the run early with a reason; data() stays readable.
    void finish(StopReason reason);

    bool finished() const { return m_data.stats.stop != StopReason::Running; }
    /// Grows with every step; read it on the session's thread only.
    const RunData& data() const { return m_data; }
    /// Leaves the stop reason behind, so that finished() still holds.
    RunData takeData() { return std::move(m_data); }

    /// Not with nextItem(): by step(), or a round at a time.
    bool isLossless() const { return m_drafter != nullptr; }
    /// Tokens of the last round that step() has yet to hand out.
    size_t nVerified() const { return m_verified.size() - m_nTaken; }

    // The halves of step(), for who decodes several sessions in one call of the backend.

    /// Gives the pending token to the tracker and says how the backend is to decode it. Spans stay valid until
    /// absorb().
    DecodeItem nextItem();
    bool needsLogits() const;
    /// Takes the backend's answer to nextItem(): appends the StepRecord, samples, looks at the limits. The wall
    /// time is counted from `startedAt`. index: of the item in the backend's last decode(). logits: (vocab), may be
    /// empty unless needsLogits(). A probability that is not finite ends the run with StopReason::NotFinite. An error
    /// is the backend's.
    Status absorb(size_t index, SampledToken greedy, std::span<const float> logits, int64_t deviceNs,
                  std::chrono::steady_clock::time_point startedAt);

    // The parts of a round of a lossless run, for Rounds (rounds.h), which decodes those of several runs together.

    /// The next step() would begin a round.
    bool needsRound() const;
    void beginRound();
    /// The next token to draft; nothing: the draft is done. Spans stay valid until takeDraft(), which takes the
    /// backend's answer as absorb() does.
    std::optional<DecodeItem> draftItem();
    Status takeDraft(size_t index, SampledToken greedy, std::span<const float> logits);
    /// Forgets the draft and appends what the pass decodes. Spans stay valid until takePass(), which takes the answers
    /// to those items, the first of which was item `first` of the backend's last decode(). best, logprob: (items);
    /// logits: (items, vocab), may be empty unless needsLogits(). Then step() has tokens to hand out.
    void passItems(std::vector<DecodeItem>& items);
    Status takePass(size_t first, std::span<const int32_t> best, std::span<const float> logprob,
                    std::span<const float> logits);

  private:
    Session(std::shared_ptr<const Model> model, Backend& backend, const RunSettings& settings, PreparedPrompt prompt,
            std::unique_ptr<MaskPolicy> policy, int64_t runId);
    struct Branch;
    /// What dense decoding has made of the pending token and of drafted ones behind it that turned out right.
    struct Verified {
        QueryMask mask;
        SampledToken next;
        DraftFate fate = DraftFate::None;  ///< of next
        std::string rejected;              ///< text of what had been drafted in its place
        int64_t deviceNs = 0, wallNs = 0;  ///< its share of the round
    };
    Status startDrafting();
    bool editsList() const;
    Result<bool> stepLossless();
    Status takeVerified(size_t first, std::span<const int32_t> best, std::span<const float> logprob,
                        std::span<const float> logits);
    StepRecord nextRecord(int64_t deviceNs);
    void append(StepRecord record, const SampledToken& next);
    bool atLimit(int32_t nMore) const;
    void takeOver(const RunData& from, int32_t nSteps);
    Status prefillBranch(const std::atomic<bool>* stop, const PrefillProgress& progress);
    QueryMask edited(const QueryMask& mask);
    SampledToken forced(SampledToken sampled, std::span<const float> logits);
    void fillHeader(int64_t runId);
    void readPrompt(std::span<const SharedIntervals> kept);
    Status prefillChunk(int32_t begin, int32_t end, std::span<float> maybeLogits);
    Status observe(int32_t at, std::span<float> maybeLogits);
    void setPending(SampledToken token);
    void copySegments();
    TokenInfo tokenInfo(StreamDecoder& decoder, int32_t id) const;
    /// What to tell somebody when the run ended with StopReason::NotFinite.
    Error notFinite() const;

    std::shared_ptr<const Model> m_model;
    Backend& m_backend;
    PreparedPrompt m_prompt;
    bool m_ownsSequence = true;
    SpanTracker m_tracker;
    RunMasks m_masks;
    Sampler m_sampler;
    StreamDecoder m_text;
    std::unique_ptr<ResponseWatch> m_watch;  ///< may be nullptr
    SequenceId m_sequence;
    int32_t m_capacity = 0;
    RunData m_data;
    bool m_prefilled = false;

    SampledToken m_pending;  ///< sampled, not yet decoded
    TokenView m_view;        ///< of the token being decoded
    QueryMask m_mask;
    std::vector<float> m_logits;  ///< (vocab) of step() where the sampler wants them, else empty
    std::vector<float> m_late;    ///< (vocab) of a row that was not asked for and is needed
    int64_t m_clockNs = 0;        ///< time spent inside this run
    int64_t m_firstTokenNs = 0;
    bool m_eosSampled = false;
    std::shared_ptr<Branch> m_branch;  ///< null: no branch

    std::unique_ptr<Drafter> m_drafter;  ///< null: not lossless
    Rounds m_rounds;                     ///< for step()
    std::chrono::steady_clock::time_point m_roundBegan;
    int64_t m_draftNs = 0;             ///< of the round
    std::vector<Verified> m_verified;  ///< of the last round
    size_t m_nTaken = 0;               ///< of them have their step
    DraftFate m_pendingFate = DraftFate::None;
    std::string m_pendingRejected;
};

/// Runs several sessions in slices of `sliceSteps` steps, round robin, until all have finished or stop is set.
/// Each slice is timed alone, so that curves grow together and stay fair. onStep may be empty.
Status runInterleaved(const std::vector<Session*>& sessions, int32_t sliceSteps, const std::atomic<bool>* stop,
                      const std::function<void(Session&)>& onStep);

}  // namespace spanscope
