// What the host says to a decode step and hears from it: one small item per row and the intervals of lists that changed
// go in, one token and its log-probability per row come back. All in mapped host memory, which kernels read and write
// in place. Owns that memory. The backend's thread, and not while a step runs.
#pragma once

#include <span>

#include "kernels/cuda/kv_pool.h"

namespace spanscope::cuda {

class StepIo {
  public:
    /// For steps of up to maxRows rows (a bucket), of which maxBatch are sequences.
    Status open(int32_t maxRows, int32_t maxBatch);

    /// Writes the items of a step of `nRows` rows; rows without an item are idle. A list that its sequence has on the
    /// device already (maskId) is extended there by the new token or kept; any other is written out, clipped to its
    /// query. Neighbouring items of one sequence become queries of one list, which is that of the first, clipped to the
    /// last. Allocates only for longer lists than ever before. Every item's sequence must be in the pool.
    Status writeItems(std::span<const DecodeItem> items, int32_t nRows, KvPool& pool);

    /// The most items of one sequence in the step that was written.
    int32_t mostQueries() const { return m_mostQueries; }
    const StepItem* deviceItems() const { return m_items.device<StepItem>(); }
    StepResult* deviceResults() const { return m_results.device<StepResult>(); }
    /// Of row i, once the step is done.
    const StepResult& result(size_t i) const { return m_results.host<StepResult>()[i]; }

  private:
    void writeItem(const DecodeItem& item, int32_t nQueries, KvSequence& sequence, StepItem& out);

    MappedBuffer m_items, m_results, m_intervals;
    size_t m_nIntervalsUsed = 0;
    int32_t m_mostQueries = 1;
};

}  // namespace spanscope::cuda
