// What decides which interval list a query gets: the tracker's view as it is, everything, or lists that follow from
// the position alone. To add a policy: a class in a file of its own here, and a row in policies.cpp, which gives its
// name to the command line, recordings and reports.
//
// Owned by one run; one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/span/tracker.h"
#include "engine/types/interval.h"

namespace spanscope {

struct QueryMask {
    SharedIntervals visible;
    uint64_t id = 0;  ///< equal ids of one policy mean equal lists; 0 = differs from query to query
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

  protected:
    QueryMask everything() const { return {m_everything, 1}; }

  private:
    SharedIntervals m_everything = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
};

}  // namespace spanscope
