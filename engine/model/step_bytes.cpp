#include "engine/model/step_bytes.h"

#include "kernels/model_tensors.h"

namespace spanscope {

uint64_t weightBytesPerStep(const ModelWeights& w) {
    uint64_t n = rowBytes(w.embedding.dtype, w.embedding.cols);
    forEachTensor(w, [&](const TensorView& t, const TensorSpec&, int32_t) {
        const bool oneRow = &t == &w.embedding && w.head;  // one row, counted above
        if (t && !oneRow) n += t.nBytes();
    });
    for (const LayerAdapter& layer : w.adapters)
        for (const AdaptedMatrix& matrix : kAdaptedMatrices) n += (layer.*matrix.delta).nBytes();
    return n;
}

int64_t kvBytesPerToken(const ModelShape& s, DType kvType) {
    return int64_t{2} * s.nLayers * static_cast<int64_t>(rowBytes(kvType, int64_t{s.nKvHeads} * s.headDim));
}

StepBytes stepBytesOf(const ModelWeights& weights) {
    const int64_t f32 = kvBytesPerToken(weights.shape, DType::F32);
    return {static_cast<int64_t>(weightBytesPerStep(weights)), f32 / static_cast<int64_t>(rowBytes(DType::F32, 1)),
            layerWindowsOf(weights.shape)};
}

}  // namespace spanscope
