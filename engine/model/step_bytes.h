// What one decode step reads of a model: the bytes behind every "GB/s", prediction and ceiling. Any thread.
#pragma once

#include <cstdint>

#include "engine/types/step_cost.h"
#include "kernels/backend.h"

namespace spanscope {

/// Bytes of weights one decode step reads: every matrix, the head and an adapter's, one row of the embedding.
uint64_t weightBytesPerStep(const ModelWeights& weights);
/// Bytes of keys and values of one token, all layers.
int64_t kvBytesPerToken(const ModelShape& shape, DType kvType);
/// Both, for predictions.
StepBytes stepBytesOf(const ModelWeights& weights);

}  // namespace spanscope
