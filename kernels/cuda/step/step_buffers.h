// Device memory of a decode step between its kernels: activations of the rows of the largest bucket, and attention's
// scratch. Allocated once; a step overwrites what the last one left. The backend's thread and stream.
#pragma once

#include <array>

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/device_model.h"

namespace spanscope::cuda {

struct StepBuffers {
    int32_t maxRows = 0;
    // (maxRows, ...), float32 but for the first
    DeviceBuffer rows;      ///< (lists of the model, rows of a step) BatchRow
    DeviceBuffer rotation;  ///< (tables of the model, rows of a step, headDim / 2) cos, sin
    DeviceBuffer x;         ///< residual stream (hidden)
    DeviceBuffer
        joined;  ///< the same once `projected` has joined it, where a product does so (hidden); takes turns with x
    DeviceBuffer normed;     ///< (hidden), in the weights' type where a product on tensor cores follows
    DeviceBuffer projected;  ///< (hidden), a product that is normalised before it joins x
    DeviceBuffer qkv;        ///< ((nHeads + 2 nKvHeads) headDim)
    DeviceBuffer q;          ///< (nHeads headDim), rotated
    DeviceBuffer attended;   ///< (nHeads headDim)
    DeviceBuffer gateUp;     ///< (2 ffn)
    DeviceBuffer hidden;     ///< (ffn)
    DeviceBuffer logits;     ///< (vocab)
    // Attention: spanAttentionScratch() says what they hold.
    DeviceBuffer attentionWork, partialO, partialMl, arrived;
    int32_t workStride = 0;                            ///< of attentionWork, from one list to the next
    DeviceBuffer rowsArrived;                          ///< one counter: SpanSchedule::rowsArrived
    std::array<DeviceBuffer, kMaxWindows> windowKept;  ///< (pages of the window): PlanStepParams::windowKept

    /// For a model whose shape, windows and pool are set. OutOfMemory names the buffer. Counters and attention's output
    /// are zeroed on the context's stream.
    Status allocate(const DeviceModel& model, const LaunchContext& ctx, int32_t maxRows);
    size_t nBytes() const;
};

}  // namespace spanscope::cuda
