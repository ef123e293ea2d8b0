// Autotuning of decode steps on this device, once per bucket: before its first step cuBLASLt's algorithms, after it
// which kernels form its products and how much of the next matrix they prefetch. It times the model's own step, since
// what pays depends on size and depth (timing a few layers over and over misleads). Some forty steps per bucket. Owns
// what was chosen. The backend's thread and stream.
#pragma once

#include <map>

#include "kernels/cuda/step/step_launcher.h"

namespace spanscope::cuda {

class StepTuner {
  public:
    /// All of them outlive this.
    StepTuner(const DeviceModel& model, const StepBuffers& buffers, StepLauncher& launcher, GemmProducts& products,
              DeviceTimer& timer)
        : m_model(model), m_buffers(buffers), m_launcher(launcher), m_products(products), m_timer(timer) {}

    /// What was measured to be best, or the first guess; with what is forced below.
    StepChoice choice(const LaunchContext& ctx, int32_t bucket) const;
    /// Chooses cuBLASLt's algorithms for a bucket; before its first step. Overwrites the step's buffers.
    Status tuneGemms(const LaunchContext& ctx, int32_t bucket);
    /// The graph of a bucket's step as it is fastest; right after a step that was launched directly, which it repeats
    /// (the same rows, positions and results) to measure.
    Status tuneStep(const LaunchContext& ctx, int32_t bucket, GraphExec& best);

    // For measurements only; -1: as measured. Graphs that exist already keep what they have.
    void forcePrefetchBytes(int64_t nBytes) { m_prefetchForced = nBytes; }
    /// Products of steps with more than one row by skinny_gemm.h wherever it can: 1, nowhere: 0.
    void forceSkinny(int32_t on) { m_skinnyForced = on; }
    /// How many of a step's five kinds of matrices are not left to cuBLASLt.
    int32_t nOwnProducts(const LaunchContext& ctx, int32_t bucket) const;

  private:
    Status capture(const LaunchContext& ctx, int32_t bucket, const StepChoice& choice, GraphExec& graph);
    /// Milliseconds of both, best of a few taken in turn.
    Status timeGraphs(const LaunchContext& ctx, const GraphExec& a, const GraphExec& b, float& aMs, float& bMs);

    const DeviceModel& m_model;
    const StepBuffers& m_buffers;
    StepLauncher& m_launcher;
    GemmProducts& m_products;
    DeviceTimer& m_timer;
    std::map<int32_t, StepChoice> m_choices;  ///< by bucket
    int64_t m_prefetchForced = -1;
    int32_t m_skinnyForced = -1;
};

}  // namespace spanscope::cuda
