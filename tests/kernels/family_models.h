// Small random models with what families differ in: each feature by itself, and together as families have them.
#pragma once

#include <cmath>
#include <vector>

#include "random_model.h"

namespace spanscope::test {

struct NamedModel {
    const char* name;
    RandomModelOptions options;
};

/// Angles unlike one another, and unlike Rope::plain of any base.
inline Rope scaledRope(int32_t dims, float magnitude) {
    Rope r = Rope::plain(500, dims);
    for (size_t i = 0; i < r.invFreq.size(); ++i) r.invFreq[i] /= 1.0f + 0.1f * static_cast<float>(i);
    r.magnitude = magnitude;
    return r;
}

inline Rope longRope(int32_t dims) {
    Rope r = Rope::plain(10000, dims);
    r.magnitude = 1.19f;
    r.longMagnitude = 1.4f;
    for (size_t i = 0; i < r.invFreq.size(); ++i)
        r.longInvFreq.push_back(r.invFreq[i] / (1.0f + static_cast<float>(i)));
    return r;
}

/// One feature each, on heads of 20 and a hidden size of 37, so that nothing fills a vector.
inline std::vector<NamedModel> featureModels() {
    RandomModelOptions plain{.nLayers = 3, .nHeads = 4, .nKvHeads = 2, .headDim = 20, .hidden = 37, .ffn = 61};
    std::vector<NamedModel> models;
    const auto add = [&](const char* name, auto change) {
        RandomModelOptions o = plain;
        o.seed = static_cast<uint32_t>(models.size() + 1);
        change(o);
        models.push_back({name, o});
    };
    using O = RandomModelOptions;
    add("norm of each head", [](O& o) { o.qkNorm = QkNorm::PerHead; });
    add("norm of the whole row", [](O& o) { o.qkNorm = QkNorm::WholeRow; });
    add("gelu", [](O& o) { o.activation = Activation::GeluTanh; });
    add("norms before and after", [](O& o) { o.postNorms = true; });
    add("norms after, none before", [](O& o) { o.preNorms = false, o.postNorms = true; });
    add("biases and norms after", [](O& o) { o.biases = o.postNorms = true; });
    add("embedding scale", [](O& o) { o.embeddingScale = 6.25f, o.tied = true; });
    add("attention scale", [](O& o) { o.attentionScale = 0.11f; });
    add("cap of scores", [](O& o) { o.attentionSoftcap = 1.5f; });
    add("cap of logits", [](O& o) { o.logitSoftcap = 0.8f; });
    add("half of a head turns", [](O& o) { o.ropes = {Rope::plain(10000, 10)}; });
    add("half of a head turns, pairs", [](O& o) { o.ropes = {Rope::plain(10000, 10)}, o.interleaved = true; });
    add("magnitude", [](O& o) { o.ropes = {scaledRope(20, 1.3f)}; });
    add("long rope", [](O& o) { o.ropes = {longRope(20)}, o.longRopeAbove = 16; });
    add("long rope, not taken", [](O& o) { o.ropes = {longRope(20)}, o.longRopeAbove = 1 << 14; });
    add("two ropes", [](O& o) {
        o.ropes = {Rope::plain(10000, 20), scaledRope(14, 0.9f)};
        o.layerKinds = {{.rope = 1}, {.rope = 0}, {.rope = 1}};
    });
    add("layers without rope", [](O& o) { o.layerKinds = {{.rope = -1}, {.rope = 0}, {.rope = -1}}; });
    add("windows", [](O& o) { o.layerKinds = {{.window = 24}, {.window = 0}, {.window = 1}}; });
    add("windows of pages", [](O& o) { o.layerKinds = {{.window = 16}, {.window = 65}, {.window = 4096}}; });
    return models;
}

inline std::vector<NamedModel> familyModels() {
    const LayerKind local{.rope = 1, .window = 40}, global{};
    RandomModelOptions gemma3{.nLayers = 4, .nHeads = 4, .nKvHeads = 1, .headDim = 256, .hidden = 72, .ffn = 96};
    gemma3.tied = gemma3.postNorms = true;
    gemma3.activation = Activation::GeluTanh;
    gemma3.qkNorm = QkNorm::PerHead;
    gemma3.embeddingScale = std::sqrt(72.0f);
    gemma3.attentionScale = 1 / std::sqrt(168.0f);
    gemma3.ropes = {scaledRope(256, 1), Rope::plain(10000, 256)};
    gemma3.layerKinds = {local, local, global, local};

    RandomModelOptions gemma2{.nLayers = 4, .nHeads = 4, .nKvHeads = 2, .headDim = 64, .hidden = 72, .ffn = 96};
    gemma2.tied = gemma2.postNorms = true;
    gemma2.activation = Activation::GeluTanh;
    gemma2.embeddingScale = std::sqrt(72.0f);
    gemma2.attentionScale = 1 / std::sqrt(144.0f);
    gemma2.attentionSoftcap = 5;
    gemma2.logitSoftcap = 3;
    gemma2.layerKinds = {{.window = 40}, {}, {.window = 40}, {}};

    RandomModelOptions olmo2{.nLayers = 2, .nHeads = 4, .nKvHeads = 4, .headDim = 32, .hidden = 128, .ffn = 96};
    olmo2.preNorms = false;
    olmo2.postNorms = true;
    olmo2.qkNorm = QkNorm::WholeRow;

    RandomModelOptions smollm3{.nLayers = 2, .nHeads = 9, .nKvHeads = 3, .headDim = 64, .hidden = 576, .ffn = 96};
    smollm3.tied = true;
    smollm3.layerKinds = {{}, {.rope = -1}};

    RandomModelOptions phi3{.nLayers = 2, .nHeads = 4, .nKvHeads = 2, .headDim = 96, .hidden = 80, .ffn = 112};
    phi3.ropes = {longRope(72)};
    phi3.longRopeAbove = 150;

    RandomModelOptions qwen3{.nLayers = 2, .nHeads = 4, .nKvHeads = 1, .headDim = 80, .hidden = 64, .ffn = 96};
    qwen3.qkNorm = QkNorm::PerHead;
    qwen3.ropes = {Rope::plain(1e6, 80)};

    RandomModelOptions everything = gemma3;
    everything.headDim = 24;
    everything.biases = everything.interleaved = true;
    everything.attentionSoftcap = 4;
    everything.logitSoftcap = 2;
    everything.ropes = {longRope(16), scaledRope(24, 1.1f)};
    everything.longRopeAbove = 120;
    everything.layerKinds = {local, {.rope = -1, .window = 21}, global, {.rope = 1}};
    return {{"Gemma 3 like", gemma3},          {"Gemma 2 like", gemma2},           {"OLMo 2 like", olmo2},
            {"SmolLM3 like", smollm3},         {"Phi-3 like with longrope", phi3}, {"Qwen3 like", qwen3},
            {"everything at once", everything}};
}

}  // namespace spanscope::test
