// Rounds of lossless runs (docs/lossless.md), those of several runs together: a drafted token of each in one step, then
// the passes of as many runs as a step has rows for. So weights are read once for all of them. One thread.
#pragma once

#include <span>
#include <vector>

#include "kernels/backend.h"

namespace spanscope {

class Session;

class Rounds {
  public:
    /// A round of each run, all of which need one (Session::needsRound()). An error is the backend's; the runs are then
    /// in no state to go on.
    Status decode(Backend& backend, std::span<Session* const> runs);

  private:
    Status draft(Backend& backend, std::span<Session* const> runs);
    Status pass(Backend& backend, std::span<Session* const> runs);
    /// Decodes m_items into the answers; wantLogits: with their logits.
    Status decodeItems(Backend& backend, bool wantLogits);
    /// (vocab) of item i, or nothing where none were wanted.
    std::span<const float> logitsOf(size_t i, size_t n) const;

    std::vector<DecodeItem> m_items;
    std::vector<Session*> m_drafting;  ///< of the items
    std::vector<int32_t> m_best;
    std::vector<float> m_logprob, m_logits;
    size_t m_vocab = 0;
};

}  // namespace spanscope
