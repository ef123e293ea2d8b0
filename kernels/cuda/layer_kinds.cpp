#include "kernels/cuda/layer_kinds.h"

#include <algorithm>

namespace spanscope::cuda {
namespace {

bool hasLayerWithoutRope(const ModelShape& shape) {
    return std::any_of(shape.layerKinds.begin(), shape.layerKinds.end(),
                       [](const LayerKind& kind) { return kind.rope < 0; });
}

}  // namespace

std::vector<int32_t> windowsOf(const ModelShape& shape, int64_t cacheTokens) {
    std::vector<int32_t> windows;
    for (const LayerKind& kind : shape.layerKinds)
        if (kind.window > 0 && kind.window < cacheTokens &&
            std::find(windows.begin(), windows.end(), kind.window) == windows.end())
            windows.push_back(kind.window);
    return windows;
}

int32_t listOfLayer(const ModelShape& shape, int32_t layer, const std::vector<int32_t>& windows) {
    const auto found = std::find(windows.begin(), windows.end(), shape.layerKind(layer).window);
    return found == windows.end() ? 0 : 1 + static_cast<int32_t>(found - windows.begin());
}

int32_t nRotationTables(const ModelShape& shape) {
    return static_cast<int32_t>(shape.ropes.size()) + (hasLayerWithoutRope(shape) ? 1 : 0);
}

int32_t rotationTableOf(const ModelShape& shape, int32_t layer) {
    const int32_t rope = shape.layerKind(layer).rope;
    return rope < 0 ? static_cast<int32_t>(shape.ropes.size()) : rope;
}

int32_t rotatedPairs(const ModelShape& shape, int32_t layer) {
    const int32_t rope = shape.layerKind(layer).rope;
    return rope < 0 ? 0 : static_cast<int32_t>(shape.ropes[static_cast<size_t>(rope)].invFreq.size());
}

std::vector<float> rotationFrequencies(const ModelShape& shape) {
    const auto half = static_cast<size_t>(shape.headDim / 2);
    std::vector<float> all;
    const auto put = [&](const std::vector<float>& invFreq, float magnitude) {
        for (size_t i = 0; i < half; ++i) {
            const bool rotates = i < invFreq.size();
            all.push_back(rotates ? invFreq[i] : 0);
            all.push_back(rotates ? magnitude : 1);
        }
    };
    for (int form = 0; form < (shape.longRopeAbove > 0 ? 2 : 1); ++form) {
        for (const Rope& rope : shape.ropes) {
            const bool isLong = form == 1 && !rope.longInvFreq.empty();
            put(isLong ? rope.longInvFreq : rope.invFreq, isLong ? rope.longMagnitude : rope.magnitude);
        }
        if (hasLayerWithoutRope(shape)) put({}, 1);
    }
    return all;
}

bool rotatesInProduct(const ModelShape& shape, int32_t layer) {
    if (shape.qkNorm != QkNorm::None) return false;
    const int32_t nPairs = rotatedPairs(shape, layer);
    return shape.ropeInterleaved || nPairs == 0 || nPairs == shape.headDim / 2;
}

}  // namespace spanscope::cuda
