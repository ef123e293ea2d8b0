#include "kernels/cuda/device_model.h"

#include <cmath>

namespace spanscope::cuda {

float DeviceModel::attentionScale() const {
    return shape.attentionScale > 0.f ? shape.attentionScale : 1.f / std::sqrt(static_cast<float>(shape.headDim));
}

RmsNormParams DeviceModel::rmsNorm(const float* x, const float* maybeGain, void* y) const {
    RmsNormParams norm;
    norm.x = x;
    norm.gain = maybeGain;
    norm.y = y;
    norm.type = weights.type();
    norm.hidden = shape.hidden;
    norm.eps = shape.rmsEps;
    return norm;
}

AddNormedParams DeviceModel::addNormed(float* x, const float* y, const float* gain) const {
    AddNormedParams add;
    add.x = x;
    add.y = y;
    add.gain = gain;
    add.hidden = shape.hidden;
    add.eps = shape.rmsEps;
    return add;
}

RotationParams DeviceModel::rotations(const DeviceBuffer& out) const {
    RotationParams rotations;
    rotations.frequencies = weights.frequencies();
    rotations.nTables = nRotationTables(shape);
    rotations.halfDim = shape.headDim / 2;
    rotations.out = out.as<float2>();
    return rotations;
}

const float2* DeviceModel::rotationOf(size_t index, const DeviceBuffer& rotations, int32_t nRows) const {
    const auto table = static_cast<size_t>(rotationTableOf(shape, static_cast<int32_t>(index)));
    return rotations.as<float2>() + table * static_cast<size_t>(nRows) * static_cast<size_t>(shape.headDim / 2);
}

RopeAppendParams DeviceModel::ropeAppend(size_t index, const DeviceBuffer& rotations, int32_t nRows) const {
    RopeAppendParams rope;
    rope.qNorm = weights.layers()[index].qNorm;
    rope.kNorm = weights.layers()[index].kNorm;
    rope.wholeRow = shape.qkNorm == QkNorm::WholeRow;
    rope.eps = shape.rmsEps;
    rope.rotation = rotationOf(index, rotations, nRows);
    rope.nRotated = rotatedPairs(shape, static_cast<int32_t>(index));
    rope.kv = kv.layer(index);
    rope.kvType = kv.type();
    rope.nHeads = shape.nHeads;
    rope.nKvHeads = shape.nKvHeads;
    rope.headDim = shape.headDim;
    rope.interleaved = shape.ropeInterleaved;
    return rope;
}

Status DeviceModel::capLogits(const LaunchContext& ctx, float* logits, int32_t nRows) const {
    if (shape.logitSoftcap <= 0.f) return {};
    SoftcapParams cap;
    cap.x = logits;
    cap.n = static_cast<int64_t>(nRows) * shape.vocab;
    cap.cap = shape.logitSoftcap;
    SPANSCOPE_CUDA_TRY(launchSoftcap(ctx, cap));
    return {};
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
