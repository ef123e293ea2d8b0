// RoPE angles with the scaling that long-context checkpoints ask for. Private to engine/model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/backend.h"

namespace spanscope {

enum class RopeScaling : uint8_t {
    None,
    Linear,
    Llama3,
    Yarn,      ///< arXiv 2309.00071
    LongRope,  ///< arXiv 2402.13753
};

struct RopeConfig {
    double theta = 10000;  ///< YaRN: above 1
    int32_t dims = 0;      ///< values of a head that are rotated, even
    RopeScaling scaling = RopeScaling::None;
    double factor = 1;
    double lowFreqFactor = 1;               ///< llama3
    double highFreqFactor = 4;              ///< llama3
    int32_t originalContext = 0;            ///< llama3, YaRN, longrope: positions before scaling
    double betaFast = 32;                   ///< YaRN
    double betaSlow = 1;                    ///< YaRN
    bool truncate = true;                   ///< YaRN: the blended range begins and ends at whole frequencies
    double mscale = 0, mscaleAllDims = 0;   ///< YaRN: both not 0: the magnitude is the quotient of two
    std::optional<double> attentionFactor;  ///< YaRN, longrope: the magnitude; absent: it follows from the factor
    std::vector<double> shortFactors, longFactors;  ///< longrope: (dims / 2) divisors each
};

/// Frequencies and magnitude of one set of angles.
Rope makeRope(const RopeConfig& config);

}  // namespace spanscope
