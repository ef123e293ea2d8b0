// First kernel of every decode step: embeds the tokens, writes the rotation table, brings each sequence's list of kept
// pages up to date, and makes the schedule of attention. The host hands over intervals, nothing else; they become pages
// here, and only when they change.
#pragma once

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"

namespace spanscope::cuda {

struct PlanStepParams {
    const StepItem* items = nullptr;  ///< (nRows) mapped host memory
    BatchRow* rows = nullptr;         ///< (nRows)
    float* x = nullptr;               ///< (nRows, hidden)
    DeviceMatrix embedding;           ///< (vocab, hidden)
    Element embeddingType = Element::F32;
    int32_t hidden = 0;
    int32_t halfDim = 0;             ///< headDim / 2
    const float* invFreq = nullptr;  ///< (halfDim)
    float2* rotation = nullptr;      ///< (nRows, halfDim) cos, sin
    SpanSchedule schedule;           ///< of attention
};
cudaError_t launchPlanStep(const LaunchContext& ctx, const PlanStepParams& params, int32_t nRows);

}  // namespace spanscope::cuda
