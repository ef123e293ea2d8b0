// What every backend checks before it touches memory: that weights agree with the shape, and that a call's
// tokens, positions and interval lists are possible. Pure functions.
#pragma once

#include <span>

#include "kernels/backend.h"

namespace spanscope {

/// InvalidArgument naming the tensor and both sizes; Unsupported for an odd headDim.
Status checkWeights(const ModelWeights& weights);

/// Sorted, disjoint, begin < end, begin >= 0. `what` names the list in the message.
Status checkIntervals(std::span<const Interval> list, const char* what);

Status checkTokens(std::span<const int32_t> tokens, int32_t vocab);

/// Of Backend::lateLogits(): nRows are there, `size` values were asked for.
Status checkLateLogits(size_t index, size_t nRows, size_t size, size_t vocab);

/// runs cover [0, nTokens) in order without gaps, each with a valid list.
Status checkRuns(std::span<const QueryRun> runs, int32_t nTokens);

/// Items right before `item` that are of its sequence. InvalidArgument: others of it stand further away.
Result<int32_t> earlierOfSequence(std::span<const DecodeItem> items, size_t item);

/// Batch, cache size and cache type a host backend can serve.
Status checkOptions(const BackendOptions& options);

/// "first to last", for messages.
std::string rangeText(int64_t first, int64_t last);

}  // namespace spanscope
