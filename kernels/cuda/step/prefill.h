// Prompts, up to 2,048 tokens at a time: cuBLASLt products over the whole chunk, tiled attention over the pages stored
// so far. Not a per-token path: it may allocate and wait. Owns the activations of a chunk. The backend's thread and
// stream.
#pragma once

#include <span>

#include "kernels/cuda/attention/prefill_attention.h"
#include "kernels/cuda/device_model.h"
#include "kernels/cuda/device_timer.h"
#include "kernels/cuda/matrix/gemm_products.h"
#include "kernels/cuda/step/step_buffers.h"

namespace spanscope::cuda {

class Prefill {
  public:
    /// Of `step`, normed and logits are used. All of them outlive this.
    Prefill(const DeviceModel& model, const StepBuffers& step, GemmProducts& products, DeviceTimer& timer)
        : m_model(model), m_step(step), m_products(products), m_timer(timer) {}

    /// For chunks as long as the KV pool allows; after the pool is open. activations: the weights' type.
    Status allocate(Element activations);

    /// Appends `tokens` (n) to the sequence and advances its `stored`, chunk by chunk. runs, maybeLogits: as
    /// Backend::prefill, checked. Waits for each chunk.
    Status run(const LaunchContext& ctx, KvSequence& sequence, std::span<const int32_t> tokens,
               std::span<const QueryRun> runs, std::span<float> maybeLogits);

    size_t nBytes() const;

  private:
    /// The tokens of a chunk, which are firstToken and on of the call's.
    Status runChunk(const LaunchContext& ctx, const KvSequence& sequence, std::span<const int32_t> tokens,
                    std::span<const QueryRun> runs, int32_t firstToken, std::span<float> maybeLogits);
    /// The runs of a chunk, in absolute positions, to the device; how many.
    Status uploadRuns(const LaunchContext& ctx, std::span<const QueryRun> runs, int32_t firstToken, int32_t nTokens,
                      int32_t position0, int32_t& nRuns);
    Status enqueueLayer(const LaunchContext& ctx, size_t index, PrefillAttentionParams& attention);
    /// What differs where a layer has list `list` (DeviceModel::listOf).
    void selectList(PrefillAttentionParams& attention, int32_t list) const;
    /// Logits of the chunk's last tokens, as many as `logits` holds.
    Status enqueueLogits(const LaunchContext& ctx, int32_t nTokens, std::span<float> logits);

    const DeviceModel& m_model;
    const StepBuffers& m_step;
    GemmProducts& m_products;
    DeviceTimer& m_timer;

    int32_t m_chunkTokens = 0;
    int32_t m_maxKeyTiles = 0;
    // (chunkTokens, ...), in the weights' type where not float32
    DeviceBuffer m_tokens, m_rotation, m_x, m_normed;
    DeviceBuffer m_wide;    ///< q, k and v, or gate and up, or a product in float32 that is normalised
    DeviceBuffer m_narrow;  ///< rotated q, or the MLP's hidden activations
    DeviceBuffer m_tiles, m_nTiles;
    DeviceBuffer m_runs, m_intervals;  ///< grown on demand
};

}  // namespace spanscope::cuda
