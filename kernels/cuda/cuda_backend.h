// The Backend on one CUDA device: holds the parts of the machine and orders what they do. One thread at a time.
//   device_model.h    shape, weights (copied to the device), KV pool with its sequences
//   step/step_io.h, step_buffers.h, step_launcher.h, step_tuner.h
//                     a decode step: host input, buffers, what it launches, what is chosen by measuring
//   step/prefill.h    prompts
//   device_timer.h    times on the device
//   probe.cpp         attention probabilities and logits of one stored token
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "kernels/cuda/step/prefill.h"
#include "kernels/cuda/step/step_tuner.h"

namespace spanscope::cuda {

class CudaBackend final : public Backend {
  public:
    /// Device: no usable GPU or a failed call; OutOfMemory with bytes wanted and free, before anything is loaded;
    /// InvalidArgument, Unsupported: weights or options.
    static Result<std::unique_ptr<CudaBackend>> create(const ModelWeights& weights, const BackendOptions& options,
                                                       const ProgressFn& progress);
    ~CudaBackend() override;

    BackendInfo info() const override;
    const ModelShape& shape() const override { return m_model.shape; }
    Result<SequenceId> createSequence(int32_t capacityTokens) override;
    void freeSequence(SequenceId sequence) override { m_model.kv.freeSequence(sequence); }
    int32_t storedTokens(SequenceId sequence) const override;
    void truncate(SequenceId sequence, int32_t nTokens) override;
    Status prefill(SequenceId sequence, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> maybeLogits) override;
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override;
    Status lateLogits(size_t index, std::span<float> logits) override;
    Result<ProbeResult> probe(const ProbeRequest& request) override;
    void setProfiling(bool on) override { m_timer.setProfiling(on); }
    StageTimes stageTimes() const override { return m_timer.stageTimes(); }
    void resetStageTimes() override { m_timer.resetStageTimes(); }
    int64_t lastDeviceNs() const override { return m_timer.lastNs(); }
    size_t bytesHeld() const override;

    // For measurements only.
    /// Fills the sequence up to nTokens with noise instead of a real prompt.
    Status fillWithNoise(SequenceId sequence, int32_t nTokens, uint32_t seed);
    /// Host time of the last decode's input side: from the call to the graph's launch.
    int64_t lastHostNs() const { return m_lastHostNs; }
    /// Bytes of the next matrix that a kernel prefetches before it ends (WeightPrefetch); 0 = none, -1 = as measured.
    void setPrefetchBytes(int64_t nBytes);
    int64_t prefetchBytes(int32_t bucket) const { return m_tuner.choice(m_ctx, bucket).prefetchBytes; }
    /// Products of steps with more than one row by skinny_gemm.h wherever it can: 1, nowhere: 0, -1 = as measured.
    void setSkinny(int32_t on);
    /// How many of a step's five kinds of matrices are not left to cuBLASLt.
    int32_t nOwnProducts(int32_t bucket) const { return m_tuner.nOwnProducts(m_ctx, bucket); }

  private:
    CudaBackend();
    Status open(const ModelWeights& weights, const BackendOptions& options, const ProgressFn& progress);
    Status checkItems(std::span<const DecodeItem> items, const DecodeOutput& output);
    Status runStep(std::span<const DecodeItem> items, const DecodeOutput& output, int64_t beganNs);
    /// The ungraphed step of probe(): logits and probabilities into `result`, whose vectors have their sizes. slotOf:
    /// where each layer's rows go in result.probabilities; -1: nowhere.
    Status probeStep(const ProbeRequest& request, const KvSequence& sequence, std::span<const int32_t> slotOf,
                     ProbeResult& result);
    /// After a device failure every later call returns the same error.
    Status guard(Status status);

    int32_t m_maxBatch = 1;
    std::string m_deviceName;
    LaunchContext m_ctx;
    DeviceModel m_model;
    GemmProducts m_products;
    DeviceTimer m_timer;
    StepBuffers m_buffers;
    StepIo m_io;
    StepLauncher m_launcher;
    StepTuner m_tuner;
    Prefill m_prefill;
    std::map<std::pair<int32_t, int32_t>, GraphExec> m_graphs;  ///< by bucket and queries of a launch
    int64_t m_lastHostNs = 0;
    size_t m_nLate = 0;  ///< rows of the step's logits that lateLogits() may give
    bool m_lost = false;
    Error m_lostError;
};

}  // namespace spanscope::cuda
