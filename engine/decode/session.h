// One run: prompt in, tokens out, a StepRecord for each. Owns the span tracker, the sampler and one sequence of
// a backend it is lent. The caller drives it step by step, so that a worker can stop, interleave two runs
// fairly, or draw between steps. One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "engine/types/records.h"
#include "kernels/backend.h"

namespace spanscope {

/// Prompt tokens done so far and their total.
using PrefillProgress = std::function<void(int32_t done, int32_t total)>;

class Session {
  public:
    /// Formats and encodes the prompt (InvalidArgument with a column where the text is wrong), makes the sequence.
    /// model and backend outlive the session.
    static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, Backend& backend,
                                                   const RunSettings& settings, int64_t runId);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// In chunks; stop (may be null) is looked at between chunks. Samples the first token.
    Status prefill(const std::atomic<bool>* stop, const PrefillProgress& progress);

    /// Decodes one token and appends its StepRecord. False when the run has ended (data().stats.stop says why).
    Result<bool> step();

    /// Ends the run early with a reason; data() stays readable.
    void finish(StopReason reason);

    bool finished() const;
    /// Grows with every step; read it on the session's thread only.
    const RunData& data() const;
    SequenceId sequence() const;
    Backend& backend() const;

  private:
    Session();
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// Runs several sessions in slices of `sliceSteps` steps, round robin, until all have finished or stop is set.
/// Each slice is timed alone, so that curves grow together and stay fair. onStep may be empty.
Status runInterleaved(const std::vector<Session*>& sessions, int32_t sliceSteps, const std::atomic<bool>* stop,
                      const std::function<void(Session&)>& onStep);

}  // namespace spanscope
