// What a decode step launches, kernel by kernel. Owns nothing: it reads the model, the step's buffers and its input.
// The backend's thread and stream.
#pragma once

#include <array>
#include <functional>

#include "kernels/cuda/device_model.h"
#include "kernels/cuda/device_timer.h"
#include "kernels/cuda/matrix/gemm_products.h"
#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/skinny_gemm.h"
#include "kernels/cuda/step/step_buffers.h"
#include "kernels/cuda/step/step_io.h"

namespace spanscope::cuda {

/// The matrices of a step: DeviceLayer::matrices(), then the head.
enum StepMatrix { kQkv, kO, kGateUp, kDown, kHead, kNStepMatrices };

/// What a step of one bucket leaves open; step_tuner.h chooses.
struct StepChoice {
    int64_t prefetchBytes = 0;                     ///< of the next matrix, by a kernel before it ends
    std::array<bool, kNStepMatrices> skinny = {};  ///< products that skinny_gemm.h forms
};

class StepLauncher {
  public:
    /// Called with a layer's index when its attention is enqueued.
    using LayerFn = std::function<Status(size_t)>;

    /// All of them outlive this.
    StepLauncher(const DeviceModel& model, const StepBuffers& buffers, const StepIo& io, GemmProducts& products,
                 DeviceTimer& timer)
        : m_model(model), m_buffers(buffers), m_io(io), m_products(products), m_timer(timer) {}

    /// Can skinny_gemm.h form this product, in all layers?
    bool skinnyFits(const LaunchContext& ctx, int32_t bucket, StepMatrix which) const;
    /// Is it a step of gemv.h?
    bool usesGemv(const LaunchContext& ctx, int32_t bucket, const StepChoice& choice) const;
    /// Enqueues a whole step for `bucket` rows, whose input io holds. onLayer may be empty.
    Status enqueue(const LaunchContext& ctx, int32_t bucket, const StepChoice& choice, const LayerFn& onLayer);

  private:
    /// What is the same for all layers of a step.
    struct Step {
        LaunchContext ctx;
        int32_t nRows = 0;
        StepChoice choice;
        SpanAttentionParams attention;
        const LayerFn& onLayer;
    };
    /// `ctx` with the carveout that suits a step's kernels.
    LaunchContext contextOf(const LaunchContext& ctx, int32_t bucket, bool gemv, const StepChoice& choice) const;
    SpanAttentionParams attentionOf(int32_t bucket, Element outType) const;
    WeightPrefetch prefetchOf(const Step& step, const DeviceMatrix& matrix) const;
    /// What follows layer `index`: the next one's first matrix, or the head.
    const DeviceMatrix& matrixAfterLayer(size_t index) const;
    /// Sets epilogue and output of the product of q, k and v: rotated and appended, or stored for enqueueRope().
    void rotateAndAppend(size_t index, ProductParams& qkv) const;
    /// SiluMul or GeluMul.
    Epilogue gatedEpilogue() const;

    Status enqueuePlan(const Step& step);
    Status enqueueAttention(const Step& step, size_t index);
    /// QK-norm, rotation and append of what the product has stored. maybeBias: not yet in it.
    Status enqueueRope(const Step& step, size_t index, const float* maybeBias);
    /// Of a product in `projected`, which joins the residual stream; nothing without a gain.
    Status enqueuePostNorm(const Step& step, const float* maybeGain);
    /// The residual stream between the products of gemv.h.
    struct ResidualStream {
        const DeviceBuffer* x = nullptr;       ///< (rows, hidden): `x` or `joined` of the step's buffers
        const float* maybePostNorm = nullptr;  ///< `projected` has yet to join it, normalised with this gain
    };
    /// The stream as what `product` multiplies. What has yet to join it does so there.
    void readStream(ResidualStream& stream, GemvParams& product) const;
    Status enqueueGemvLayer(const Step& step, size_t index, ResidualStream& stream);
    Status enqueueGemvHead(const Step& step, ResidualStream& stream);
    /// By skinny_gemm.h or cuBLASLt, matrix by matrix.
    Status enqueueWideLayer(const Step& step, size_t index);
    Status enqueueWideHead(const Step& step);
    /// The residual stream, normalised where there is a gain, to `normed`.
    Status enqueueNorm(const Step& step, const float* maybeGain, const WeightPrefetch& prefetch);
    Status enqueueSkinny(const Step& step, const DeviceMatrix& matrix, const SkinnyParams& params);
    Status enqueueGemm(const Step& step, const DeviceMatrix& matrix, const DeviceBuffer& x, const DeviceBuffer& y,
                       bool accumulate);
    Status enqueueArgmax(const Step& step);
    Status mark(DeviceTimer::Stage stage, const Step& step) { return m_timer.mark(stage, step.ctx.stream); }

    const DeviceModel& m_model;
    const StepBuffers& m_buffers;
    const StepIo& m_io;
    GemmProducts& m_products;
    DeviceTimer& m_timer;
};

}  // namespace spanscope::cuda
