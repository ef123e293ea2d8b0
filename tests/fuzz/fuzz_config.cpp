// config.json.
#include <cmath>

#include "engine/model/model.h"
#include "engine/model/model_config.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto config = parseHfConfig({reinterpret_cast<const char*>(data), size}, "config.json");
    if (!config) {
        fuzz::checkError(config.error());
        return 0;
    }
    const ModelShape& shape = config->shape;
    fuzz::require(shape.nHeads > 0 && shape.nKvHeads > 0 && shape.nHeads % shape.nKvHeads == 0);
    fuzz::require(shape.headDim >= 2 && !shape.ropes.empty());
    for (const Rope& rope : shape.ropes)
        for (const auto* frequencies : {&rope.invFreq, &rope.longInvFreq})
            for (const float frequency : *frequencies) fuzz::require(std::isfinite(frequency) && frequency > 0);
    fuzz::require(shape.layerKinds.empty() || shape.layerKinds.size() == static_cast<size_t>(shape.nLayers));
    for (const LayerKind& kind : shape.layerKinds)
        fuzz::require(kind.window >= 0 && kind.rope < static_cast<int32_t>(shape.ropes.size()));
    fuzz::keep(forecastMemory(shape, 1000, 0, DType::F32).largestContext);
    fuzz::keep(forecastMemory(shape, UINT32_MAX, INT32_MAX, DType::BF16, INT32_MAX).kvBytes);
    return 0;
}
