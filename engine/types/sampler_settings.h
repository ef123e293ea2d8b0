// What the sampler's settings may be, and how they are told to a person.
#pragma once

#include <string>

#include "engine/types/records.h"
#include "kernels/result.h"

namespace spanscope {

/// InvalidArgument naming the setting that cannot be meant (negative temperature, top-p outside (0, 1], ...).
Status checkSampler(const SamplerSettings& settings);

/// Whether tokens are penalised for being repeated.
bool penalises(const SamplerSettings& settings);

/// "greedy", or the stages in order: "penalties(1.1, last 64) -> top-k(40) -> temperature(0.8) -> draw(seed 7)".
std::string describeSampler(const SamplerSettings& settings);

}  // namespace spanscope
