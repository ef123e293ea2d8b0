// RoPE angles with the scaling that long-context checkpoints ask for. Private to engine/model.
#pragma once

#include <cstdint>
#include <vector>

namespace spanscope {

enum class RopeScaling : uint8_t { None, Linear, Llama3 };

struct RopeConfig {
    double theta = 10000;
    RopeScaling scaling = RopeScaling::None;
    double factor = 1;
    double lowFreqFactor = 1;     ///< llama3
    double highFreqFactor = 4;    ///< llama3
    int32_t originalContext = 0;  ///< llama3: positions before scaling
};

/// (headDim/2) radians per position.
std::vector<float> ropeInvFreq(const RopeConfig& config, int32_t headDim);

}  // namespace spanscope
