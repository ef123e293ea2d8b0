// Inspect mode: a finished (or recorded) run replayed beside a dense reading of the same tokens, then asked about.
// Needs the model of the run, and a backend with room for both sequences; never use it while a run is measured.
// One thread, the backend's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "engine/model/model.h"
#include "engine/types/probe.h"
#include "engine/types/records.h"

namespace spanscope {

struct OpenSequence;

class Inspector {
  public:
    /// InvalidArgument: the run has no steps, or was made with another model. OutOfMemory: no room for both sequences
    /// (2 x (prompt + response) tokens; where there is more, the recorded one gets as much as the run had). model,
    /// backend and run outlive the inspector.
    static Result<std::unique_ptr<Inspector>> create(std::shared_ptr<const Model> model, Backend& backend,
                                                     std::shared_ptr<const RunData> run);
    ~Inspector();

    /// Replays the run under its recorded lists and densely; fills curve(). Stop is looked at between chunks.
    Status replay(const std::atomic<bool>* stop, const std::function<void(int32_t done, int32_t total)>& progress);
    const DivergenceCurve& curve() const;

    /// Both need replay(). InvalidArgument: no such step, layer, head, or a malformed list.
    Result<StepProbe> probe(int32_t step, const ProbeSettings& settings);
    Result<StepEdit> edit(int32_t step, const IntervalList& list, int32_t nTop = 8);

    /// It looks into this very run.
    bool isOf(const RunData& run) const;
    /// The sequence that holds the run as it was recorded, for Session::branch() to go on in; whoever takes it frees
    /// it. Nothing can be asked afterwards.
    OpenSequence release();

  private:
    Inspector();
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// InvalidArgument: the run has no steps, was made with another model, or has tokens or lists that cannot be its.
Status checkReplayable(const Model& model, const RunData& run);

/// KL and ranks of two rows of logits, (vocab) each.
Divergence divergenceOf(std::span<const float> reference, std::span<const float> other);

}  // namespace spanscope
