// Continuous batching: sequences join and leave while others are being decoded, so that one reading of the
// weights serves several of them. Each sequence keeps its own tracker, sampler and mask; greedy tokens are those
// it would get alone, as far as the backend's arithmetic is the same for every batch size. One thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/decode/session.h"

namespace spanscope {

class Batch {
  public:
    /// model and backend outlive the batch; backend was made with maxBatch >= maxSequences, and where runs are lossless
    /// as many items at least as one of them wants; passes of several go into one step where it has room for them.
    Batch(std::shared_ptr<const Model> model, Backend& backend, int32_t maxSequences);
    ~Batch();

    bool full() const;
    bool empty() const;

    /// Prefills and joins. OutOfMemory: no room in the KV pool now; the others are not disturbed.
    Status add(const RunSettings& settings, int64_t runId, const std::atomic<bool>* stop);

    /// One token for every sequence, and for lossless ones what a round yields. Returns the runs that ended and left.
    Result<std::vector<RunData>> step();

  private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// One request's outcome: what the run did, or why it could not be started.
using BatchDone = std::function<void(int64_t runId, Result<RunData>)>;
/// The next request, or nothing when there are no more.
using BatchNext = std::function<std::optional<std::pair<int64_t, RunSettings>>()>;

/// Keeps the batch as full as requests and memory allow until next() has nothing left. A request that cannot be
/// run is reported to done() and the others go on. Fails on Cancelled and where the backend itself fails.
Status runBatched(std::shared_ptr<const Model> model, Backend& backend, int32_t maxSequences, const BatchNext& next,
                  const BatchDone& done, const std::atomic<bool>* stop);

}  // namespace spanscope
