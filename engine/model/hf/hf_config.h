// config.json of a Hugging Face folder. Private to engine/model.
#pragma once

#include <string>
#include <string_view>

#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

struct HfConfig {
    ModelShape shape;
    std::string architecture;
    bool tiedHead = false;
    bool attentionBias = false;
    bool mlpBias = false;
};

/// Format on values that contradict each other or are absurd, Unsupported on what this program does not run.
Result<HfConfig> parseHfConfig(std::string_view text, const std::string& file);

}  // namespace spanscope
