// What decides which interval list a query gets: the tracker's view as it is, everything, or lists that follow from
// the position alone. To add a policy: a class in a file of its own here, and a row in policies.cpp, which gives its
// name to the command line, recordings and reports.
//
// Owned by one run; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/span/tracker.h"
#include "engine/types/interval.h"
#include "engine/types/records.h"
#include "kernels/key_selector.h"

namespace spanscope {

struct QueryMask {
    SharedIntervals visible;
    uint64_t id = 0;  ///< equal ids of one policy mean equal lists; 0 = differs from query to query
};

/// What the query heads of all layers read in one step, where each has a list of its own.
struct HeadsRead {
    double mean = 0;          ///< tokens, over layers and heads
    SharedIntervals any;      ///< what any of them read
    SharedHeadCounts counts;  ///< how many read what
};

/// Hands the same shared list out as long as nothing changes, so that equal pointers mean equal lists. A list always
/// holds the query's own token.
class MaskPolicy {
  public:
    virtual ~MaskPolicy() = default;
    /// view: of the same query, by the span tracker.
    virtual QueryMask forStep(const TokenView& view) = 0;
    /// A policy for the response alone leaves the prompt dense.
    virtual QueryMask forPrompt(const TokenView&) { return everything(); }

    // Policies that choose by the keys, head by head; the list of forStep() is then what they choose from.

    /// Of the step that forStep() was last asked about; nullptr: its list is all there is to say.
    virtual KeySelector* selector() { return nullptr; }
    /// So many tokens at the end of the prompt are decoded one by one, so that the selector sees their queries. What
    /// they read is theirs by forPrompt().
    virtual int32_t observedPrompt() const { return 0; }
    /// What the heads have read in that step, after it; nothing: its list.
    virtual std::optional<HeadsRead> headsRead() const { return std::nullopt; }

  protected:
    QueryMask everything() const { return {m_everything, 1}; }

  private:
    SharedIntervals m_everything = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
};

}  // namespace spanscope
