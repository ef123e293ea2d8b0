#include "engine/types/layer_windows.h"

#include <algorithm>

#include "engine/types/interval_sums.h"
#include "kernels/backend.h"

namespace spanscope {

namespace {

/// loadedIn(window): tokens that a layer of that window loads.
template <class LoadedIn>
int32_t meanOverLayers(const LayerWindows& windows, const LoadedIn& loadedIn) {
    if (windows.empty()) return loadedIn(0);
    int64_t tokens = 0;
    int64_t nLayers = 0;
    for (const LayerWindow& w : windows) {
        tokens += int64_t{w.nLayers} * loadedIn(w.window);
        nLayers += w.nLayers;
    }
    return nLayers > 0 ? static_cast<int32_t>((2 * tokens + nLayers) / (2 * nLayers)) : 0;
}

}  // namespace

LayerWindows layerWindowsOf(const ModelShape& shape) {
    LayerWindows windows;
    for (const LayerKind& kind : shape.layerKinds) {
        const auto at = std::lower_bound(windows.begin(), windows.end(), kind.window,
                                         [](const LayerWindow& w, int32_t window) { return w.window < window; });
        if (at != windows.end() && at->window == kind.window) ++at->nLayers;
        else windows.insert(at, {kind.window, 1});
    }
    const bool whole = windows.size() == 1 && windows[0].window == 0;
    return whole ? LayerWindows{} : windows;
}

int32_t loadedTokens(const IntervalList& list, int32_t query, const LayerWindows& windows) {
    return meanOverLayers(windows, [&](int32_t window) {
        return loadedTokens(list.data(), static_cast<int32_t>(list.size()), query, window);
    });
}

int32_t loadedTokens(const IntervalSums& sums, const IntervalList& list, int32_t query, const LayerWindows& windows) {
    return meanOverLayers(windows, [&](int32_t window) { return sums.loaded(list, query, window); });
}

}  // namespace spanscope
