#include "kernels/cuda/device_model.h"

#include <cmath>

namespace spanscope::cuda {

float DeviceModel::attentionScale() const { return 1.f / std::sqrt(static_cast<float>(shape.headDim)); }

RmsNormParams DeviceModel::rmsNorm(const float* x, const float* gain, void* y) const {
    RmsNormParams norm;
    norm.x = x;
    norm.gain = gain;
    norm.y = y;
    norm.type = weights.type();
    norm.hidden = shape.hidden;
    norm.eps = shape.rmsEps;
    return norm;
}

RopeAppendParams DeviceModel::ropeAppend(size_t index) const {
    RopeAppendParams rope;
    rope.bias = weights.layers()[index].qkvBias;
    rope.kv = kv.layer(index);
    rope.kvType = kv.type();
    rope.nHeads = shape.nHeads;
    rope.nKvHeads = shape.nKvHeads;
    rope.headDim = shape.headDim;
    rope.interleaved = shape.ropeInterleaved;
    return rope;
}

Status DeviceModel::addBias(const LaunchContext& ctx, const float* maybeBias, float* x, int32_t nRows) const {
    if (!maybeBias) return {};
    AddBiasParams bias;
    bias.x = x;
    bias.bias = maybeBias;
    bias.n = shape.hidden;
    SPANSCOPE_CUDA_TRY(launchAddBias(ctx, bias, nRows));
    return {};
}

}  // namespace spanscope::cuda
