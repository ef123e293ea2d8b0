// adapter_config.json.
#include <algorithm>
#include <cmath>

#include "engine/model/adapter/adapter_config.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto config = parseAdapterConfig({reinterpret_cast<const char*>(data), size}, "adapter_config.json");
    if (!config) {
        fuzz::checkError(config.error());
        return 0;
    }
    for (const char* module : {"model.layers.0.mlp.up_proj", "model.layers.1.self_attn.q_proj", "lm_head"}) {
        fuzz::require(config->rank.of(module) > 0);
        fuzz::require(std::isfinite(config->scale(module)));
        fuzz::keep(config->ambiguous(module).size());
    }
    fuzz::require(std::is_sorted(config->layers.begin(), config->layers.end()));
    for (const auto* rows : {&config->embeddingRows, &config->headRows})
        for (const int32_t row : *rows) fuzz::require(row >= 0);
    return 0;
}
