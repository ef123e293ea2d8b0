#include "engine/model/rope.h"

#include <algorithm>
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

/// The index of the frequency that turns `rotations` times within the original context, as a real number.
double yarnIndex(const RopeConfig& config, double rotations) {
    return config.dims * std::log(config.originalContext / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(config.theta));
}

/// YaRN: frequencies below `low` are kept, those above `high` stretched by `factor`, those between blended.
struct YarnRange {
    double low = 0, high = 0;
    explicit YarnRange(const RopeConfig& config)
        : low(yarnIndex(config, config.betaFast)), high(yarnIndex(config, config.betaSlow)) {
        if (config.truncate) {
            low = std::floor(low);
            high = std::ceil(high);
        }
        low = std::max(low, 0.0);
        high = std::min(high, config.dims - 1.0);
        if (low == high) high += 0.001;
    }
    double scale(double invFreq, double index, double factor) const {
        const double stretched = std::clamp((index - low) / (high - low), 0.0, 1.0);
        return invFreq / factor * stretched + invFreq * (1 - stretched);
    }
};

double yarnMagnitude(const RopeConfig& config) {
    const auto magnitude = [&](double scale) {
        return config.factor <= 1 ? 1 : 0.1 * scale * std::log(config.factor) + 1;
    };
    if (config.mscale != 0 && config.mscaleAllDims != 0)
        return magnitude(config.mscale) / magnitude(config.mscaleAllDims);
    return magnitude(1);
}

double magnitudeOf(const RopeConfig& config) {
    if (config.attentionFactor) return *config.attentionFactor;
    if (config.scaling == RopeScaling::Yarn) return yarnMagnitude(config);
    if (config.scaling == RopeScaling::LongRope && config.factor > 1)
        return std::sqrt(1 + std::log(config.factor) / std::log(config.originalContext));
    return 1;
}

}  // namespace

Rope makeRope(const RopeConfig& config) {
    Rope rope;
    const bool isLong = config.scaling == RopeScaling::LongRope;
    rope.magnitude = static_cast<float>(magnitudeOf(config));
    rope.longMagnitude = rope.magnitude;
    std::optional<YarnRange> yarn;
    if (config.scaling == RopeScaling::Yarn) yarn.emplace(config);
    for (int32_t i = 0; i < config.dims / 2; ++i) {
        const double plain = std::pow(config.theta, -2.0 * i / config.dims);
        double invFreq = plain;
        if (config.scaling == RopeScaling::Linear) invFreq = plain / config.factor;
        if (config.scaling == RopeScaling::Llama3) invFreq = scaleLlama3(config, plain);
        if (yarn) invFreq = yarn->scale(plain, i, config.factor);
        if (isLong) {
            invFreq = plain / config.shortFactors[static_cast<size_t>(i)];
            rope.longInvFreq.push_back(static_cast<float>(plain / config.longFactors[static_cast<size_t>(i)]));
        }
        rope.invFreq.push_back(static_cast<float>(invFreq));
    }
    return rope;
}

}  // namespace spanscope
