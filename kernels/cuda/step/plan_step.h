// First kernel of every decode step: embeds the tokens, writes the rotation table, brings each sequence's list of kept
// pages up to date, and makes the schedules of attention. The host hands over intervals, nothing else; they become
// pages here, and only when they change. Where layers have windows, each different window gets the part of the lists
// that it reads: its rows, and its schedule.
#pragma once

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"
#include "kernels/cuda/step/rotations.h"

namespace spanscope::cuda {

struct PlanStepParams {
    const StepItem* items = nullptr;  ///< (nRows) mapped host memory
    BatchRow* rows = nullptr;         ///< (1 + nWindows, nRows): of whole lists, then of each window
    float* x = nullptr;               ///< (nRows, hidden)
    float embeddingScale = 1.f;
    DeviceMatrix embedding;  ///< (vocab, hidden)
    Element embeddingType = Element::F32;
    int32_t hidden = 0;
    RotationParams rotations;
    SpanSchedule schedule;  ///< of attention
    int32_t nWindows = 0;   ///< the items' sequences then have `logical`
    int32_t windows[kMaxWindows] = {};
    KeptPage* windowKept[kMaxWindows] = {};  ///< (nRows, windowPages) each
    int32_t windowPages[kMaxWindows] = {};   ///< pagesOfWindow()
};
/// Pages that a window of so many tokens can touch, of a pool of nPages.
inline int32_t pagesOfWindow(int32_t window, int32_t nPages) {
    const int32_t n = window / kPageTokens + 2;
    return n < nPages ? n : nPages;
}
cudaError_t launchPlanStep(const LaunchContext& ctx, const PlanStepParams& params, int32_t nRows);

}  // namespace spanscope::cuda
