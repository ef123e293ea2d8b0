#include "engine/model/rope.h"

#include <cmath>
#include <numbers>

namespace spanscope {

namespace {

/// Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, those between blended.
double scaleLlama3(const RopeConfig& config, double invFreq) {
    const double wavelength = 2 * std::numbers::pi / invFreq;
    const double context = config.originalContext;
    if (wavelength < context / config.highFreqFactor) return invFreq;
    if (wavelength > context / config.lowFreqFactor) return invFreq / config.factor;
    const double smooth =
        (context / wavelength - config.lowFreqFactor) / (config.highFreqFactor - config.lowFreqFactor);
    return (1 - smooth) * invFreq / config.factor + smooth * invFreq;
}

}  // namespace

std::vector<float> ropeInvFreq(const RopeConfig& config, int32_t headDim) {
    std::vector<float> result(static_cast<size_t>(headDim / 2));
    for (size_t i = 0; i < result.size(); ++i) {
        double invFreq = std::pow(config.theta, -2.0 * static_cast<double>(i) / headDim);
        if (config.scaling == RopeScaling::Linear) invFreq /= config.factor;
        if (config.scaling == RopeScaling::Llama3) invFreq = scaleLlama3(config, invFreq);
        result[i] = static_cast<float>(invFreq);
    }
    return result;
}

}  // namespace spanscope
