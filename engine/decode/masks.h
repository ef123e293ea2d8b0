// Which interval list a query of one run really gets: its policy's, with the model's own sliding window folded in, and
// an id that no other run of the backend has.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/policy/mask_policy.h"
#include "kernels/backend.h"

namespace spanscope {

/// The runs of a prefill whose queries have these lists, one each: neighbours that share a list share a run. The runs
/// point into the lists, which must outlive them.
std::vector<QueryRun> runsOf(std::span<const SharedIntervals> lists);

/// Owned by one run; one thread.
class RunMasks {
  public:
    /// slidingWindow: of the model, in tokens, 0 = none. runId makes mask ids distinct between runs of one backend.
    RunMasks(std::unique_ptr<MaskPolicy> policy, int32_t slidingWindow, int64_t runId);

    /// id: for DecodeItem::maskId.
    QueryMask forPrompt(const TokenView& view) { return finished(m_policy->forPrompt(view), view.position); }
    QueryMask forStep(const TokenView& view) { return finished(m_policy->forStep(view), view.position); }

    /// As MaskPolicy.
    KeySelector* selector() { return m_policy->selector(); }
    int32_t observedPrompt() const { return m_policy->observedPrompt(); }
    std::optional<HeadsRead> headsRead() const { return m_policy->headsRead(); }

  private:
    QueryMask finished(QueryMask mask, int32_t position) const;

    std::unique_ptr<MaskPolicy> m_policy;
    int32_t m_slidingWindow;
    uint64_t m_idBase;
};

}  // namespace spanscope
