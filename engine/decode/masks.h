// Which interval list a query really gets: the tracker's view, or dense, or synthetic, with the model's sliding
// window folded in. One object per run; it hands the same shared list out as long as nothing changes, so that
// equal pointers mean equal lists.
#pragma once

#include <span>
#include <vector>

#include "engine/span/tracker.h"
#include "engine/types/records.h"
#include "kernels/backend.h"

namespace spanscope {

struct QueryMask {
    SharedIntervals visible;
    uint64_t id = 0;  ///< for DecodeItem::maskId; 0 = differs from query to query
};

/// The runs of a prefill whose queries have these lists, one each: neighbours that share a list share a run. The runs
/// point into the lists, which must outlive them.
std::vector<QueryRun> runsOf(std::span<const SharedIntervals> lists);

class MaskPolicy {
  public:
    /// runId makes mask ids distinct between runs of one backend.
    MaskPolicy(AttentionMode mode, int32_t keepTokens, int32_t slidingWindow, int64_t runId);

    /// Keep applies to response tokens only: its prompt is prefilled densely, as a dense run's.
    QueryMask forPrompt(const TokenView& view) const;
    QueryMask forStep(const TokenView& view) const;

  private:
    QueryMask folded(QueryMask mask, int32_t position) const;

    AttentionMode m_mode;
    int32_t m_keepTokens;
    int32_t m_slidingWindow;
    uint64_t m_idBase;
    SharedIntervals m_dense;
};

}  // namespace spanscope
