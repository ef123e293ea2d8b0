#include "kernels/cpu/workspace.h"

#include <algorithm>

#include "kernels/backends.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rope_angles.h"
#include "kernels/model_tensors.h"

namespace spanscope::cpu {

uint64_t prefillBytesPerToken(const ModelShape& s) {
    const auto u = [](int32_t v) { return static_cast<uint64_t>(v); };
    // Residual stream and its norm; q, k, v and attention's output; gate; cosines and sines.
    return sizeof(float) *
           (2 * u(s.hidden) + 2 * (u(s.nHeads) + u(s.nKvHeads)) * u(s.headDim) + u(s.ffn) + 2 * pairsOfAll(s));
}

int64_t maxPrefillTokens(const ModelShape& shape) {
    constexpr uint64_t kMaxBytes = uint64_t{24} << 20;
    const auto panels = static_cast<int64_t>(kMaxBytes / prefillBytesPerToken(shape)) / kPanelTokens;
    return std::clamp<int64_t>(panels, 1, 8) * kPanelTokens;
}

}  // namespace spanscope::cpu

namespace spanscope {

uint64_t cpuWorkspaceBytes(const ModelShape& shape, int64_t contextTokens, int32_t nThreads) {
    constexpr uint64_t kThreadBytes = uint64_t{1} << 20;  // widened rows, attention's scratch
    const auto u = [](int64_t v) { return static_cast<uint64_t>(v); };
    // Gains of a layer's norms: four where there are some behind attention and MLP, which the shape does not say.
    uint64_t norms = 4 * u(shape.hidden);
    if (shape.qkNorm != QkNorm::None)
        norms += u(extentOf(Extent::QueryNorm, shape)) + u(extentOf(Extent::KeyNorm, shape));
    const uint64_t values = u(shape.vocab)  // logits
                            + norms * u(shape.nLayers) +
                            2 * u(shape.hidden)                    // the last norm's gain; a product to be normalised
                            + u(shape.nHeads) * u(contextTokens);  // partial results of attention
    return u(cpu::maxPrefillTokens(shape)) * cpu::prefillBytesPerToken(shape) + u(nThreads) * kThreadBytes +
           sizeof(float) * values;
}

}  // namespace spanscope
