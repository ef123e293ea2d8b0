#include "engine/types/sampler_settings.h"

#include <cmath>

#include "engine/files/decimal.h"

namespace spanscope {

namespace {

std::string number(double value) { return shortDecimal(value); }

Error badSetting(const char* name, double found, const char* expected) {
    Error e;
    e.code = ErrorCode::InvalidArgument;
    e.message = "sampler setting cannot be used";
    e.field = name;
    e.found = number(found);
    e.expected = expected;
    return e;
}

}  // namespace

bool penalises(const SamplerSettings& s) { return s.repeatPenalty != 1.0F && s.repeatLastN != 0; }

Status checkSampler(const SamplerSettings& s) {
    if (!(s.temperature >= 0) || !std::isfinite(s.temperature))
        return badSetting("temperature", s.temperature, "0 (greedy) or more");
    if (s.topK < 0) return badSetting("top-k", s.topK, "0 (off) or more");
    if (!(s.topP > 0 && s.topP <= 1)) return badSetting("top-p", s.topP, "more than 0, at most 1 (off)");
    if (!(s.minP >= 0 && s.minP <= 1)) return badSetting("min-p", s.minP, "0 (off) to 1");
    if (!(s.repeatPenalty > 0) || !std::isfinite(s.repeatPenalty))
        return badSetting("repeat-penalty", s.repeatPenalty, "more than 0; 1 is off");
    if (s.repeatLastN < -1) return badSetting("repeat-last-n", s.repeatLastN, "-1 (whole context), 0 (off) or more");
    return {};
}

std::string describeSampler(const SamplerSettings& s) {
    std::string text;
    auto stage = [&](const std::string& name) { text += (text.empty() ? "" : " -> ") + name; };
    if (penalises(s)) {
        const std::string window = s.repeatLastN < 0 ? "whole context" : "last " + std::to_string(s.repeatLastN);
        stage("penalties(" + number(s.repeatPenalty) + ", " + window + ")");
    }
    if (s.temperature <= 0) {
        stage("greedy");
        return text;
    }
    if (s.topK > 0) stage("top-k(" + std::to_string(s.topK) + ")");
    if (s.topP < 1) stage("top-p(" + number(s.topP) + ")");
    if (s.minP > 0) stage("min-p(" + number(s.minP) + ")");
    stage("temperature(" + number(s.temperature) + ")");
    stage("draw(seed " + std::to_string(s.seed) + ")");
    return text;
}

}  // namespace spanscope
