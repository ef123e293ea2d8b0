// Layers of some models read only the newest tokens of a list (LayerKind::window in kernels/backend.h). The list of a
// step stays what it was given; what is loaded for it then differs from layer to layer, and one number stands for all:
// the mean over the layers, which times the bytes of a token in all layers is what was really moved.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/types/interval.h"

namespace spanscope {

class IntervalSums;
struct ModelShape;

struct LayerWindow {
    int32_t window = 0;  ///< tokens, 0 = the whole list
    int32_t nLayers = 0;
    bool operator==(const LayerWindow&) const = default;
};
using LayerWindows = std::vector<LayerWindow>;  ///< ascending by window; empty: every layer reads the whole list

/// Empty where no layer has a window.
LayerWindows layerWindowsOf(const ModelShape& shape);

/// Tokens loaded for a query by a layer: the mean over the layers, rounded to the nearest.
int32_t loadedTokens(const IntervalList& list, int32_t query, const LayerWindows& windows);
/// The same with sums made for that list.
int32_t loadedTokens(const IntervalSums& sums, const IntervalList& list, int32_t query, const LayerWindows& windows);

}  // namespace spanscope
