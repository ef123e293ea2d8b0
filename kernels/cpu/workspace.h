// How long a chunk of a prompt is: one rule for the prefill and for forecasts (cpuWorkspaceBytes() in backends.h).
#pragma once

#include "kernels/backend.h"

namespace spanscope::cpu {

/// Bytes of activations of one token in the prefill, float32.
uint64_t prefillBytesPerToken(const ModelShape& shape);
/// Tokens of a chunk at most: as many panels of 64 as their activations fit into 24 MiB, but 1 to 8 panels.
int64_t maxPrefillTokens(const ModelShape& shape);

}  // namespace spanscope::cpu
