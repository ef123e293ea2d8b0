// A step's logits where only its likeliest token was asked for, and that may not be said.
#pragma once

#include "engine/decode/sampler.h"
#include "kernels/backend.h"

namespace spanscope {

/// `given` where it holds what the sampler needs of item `index` of the backend's last decode(), which found `greedy`.
/// Otherwise the row of logits, taken into `late`. A row is 200 KB for 49,152 pieces: fetched with every step they
/// would take longer than the step itself in a batch of 32 on a device.
inline Result<std::span<const float>> logitsFor(const Sampler& sampler, SampledToken greedy,
                                                std::span<const float> given, Backend& backend, size_t index,
                                                std::vector<float>& late) {
    if (!given.empty() || !sampler.isForbidden(greedy.id)) return given;
    late.resize(static_cast<size_t>(backend.shape().vocab));
    if (auto ok = backend.lateLogits(index, late); !ok) return ok.error();
    return std::span<const float>(late);
}

}  // namespace spanscope
