// The Backend on one CUDA device. Weights are copied; the KV cache is a pool of 16-token pages shared by all sequences.
//   cuda_backend.cpp   creation, memory, sequences
//   decode_step.cpp    one step: host input, captured graphs
//   enqueue_step.cpp   what a step launches
//   tune_step.cpp      what is chosen by measuring
//   prefill_chunk.cpp  prompts
//   probe.cpp          attention probabilities and logits of one stored token
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/attention/prefill_attention.h"
#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/gemm.h"
#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/skinny_gemm.h"
#include "kernels/cuda/step/elementwise.h"
#include "kernels/cuda/step/step_types.h"
#include "kernels/cuda/weights.h"

namespace spanscope::cuda {

class CudaBackend final : public Backend {
  public:
    /// Device: no usable GPU or a failed call; OutOfMemory with bytes wanted and free, before anything is loaded;
    /// InvalidArgument, Unsupported: weights or options.
    static Result<std::unique_ptr<CudaBackend>> create(const ModelWeights& weights, const BackendOptions& options,
                                                       const ProgressFn& progress);
    ~CudaBackend() override;

    BackendInfo info() const override;
    const ModelShape& shape() const override { return m_shape; }
    Result<SequenceId> createSequence(int32_t capacityTokens) override;
    void freeSequence(SequenceId sequence) override;
    int32_t storedTokens(SequenceId sequence) const override;
    void truncate(SequenceId sequence, int32_t nTokens) override;
    Status prefill(SequenceId sequence, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> maybeLogits) override;
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override;
    Result<ProbeResult> probe(const ProbeRequest& request) override;
    void setProfiling(bool on) override { m_profiling = on; }
    StageTimes stageTimes() const override { return m_times; }
    void resetStageTimes() override { m_times = {}; }
    int64_t lastDeviceNs() const override { return m_lastNs; }
    size_t bytesHeld() const override;

    // For measurements only.
    /// Fills the sequence up to nTokens with noise instead of a real prompt.
    Status fillWithNoise(SequenceId sequence, int32_t nTokens, uint32_t seed);
    /// Host time of the last decode's input side: from the call to the graph's launch.
    int64_t lastHostNs() const { return m_lastHostNs; }
    /// Bytes of the next matrix that a kernel asks for on its way out (WeightsAhead); 0 = none, -1 = as measured.
    void setAheadBytes(int64_t nBytes);
    int64_t aheadBytes(int32_t bucket) const { return choiceOf(bucket).aheadBytes; }
    /// Products of steps with more than one row by skinny_gemm.h wherever it can: 1, nowhere: 0, -1 = as measured.
    void setSkinny(int32_t on);
    /// How many of a step's five kinds of matrices are not left to cuBLASLt.
    int32_t nOwnProducts(int32_t bucket) const;

  private:
    struct Sequence {
        int32_t capacity = 0;
        int32_t stored = 0;
        std::vector<int32_t> pages;
        DeviceBuffer memory;  ///< SequenceState, table, kept list
        SequenceState* state = nullptr;
        int32_t* table = nullptr;
        KeptPage* kept = nullptr;
        uint64_t maskId = 0;        ///< of the list on the device; 0 = none
        int32_t maskPosition = -1;  ///< position that list is for
    };
    enum class Stage { Other, Attention, Matmul };
    /// The matrices of a step: DeviceLayer::matrices(), then the head.
    enum Matrix { kQkv, kO, kGateUp, kDown, kHead, kNMatrices };
    /// What is chosen for a bucket's step, by measuring it.
    struct StepChoice {
        int64_t aheadBytes = 0;
        std::array<bool, kNMatrices> skinny = {};  ///< products that skinny_gemm.h forms
    };

    CudaBackend() = default;
    Status open(const ModelWeights& weights, const BackendOptions& options, const ProgressFn& progress);
    Status allocate();
    Sequence* find(SequenceId id);
    const Sequence* find(SequenceId id) const;
    void* kvOfLayer(size_t layer) const;

    Status checkItems(std::span<const DecodeItem> items);
    Status stageItems(std::span<const DecodeItem> items, int32_t bucket);
    Status stageItem(const DecodeItem& item, Sequence& sequence, StepItem& out);
    /// Enqueues a whole step for `bucket` rows. onLayer (probe): called after a layer's attention is enqueued.
    Status enqueueStep(int32_t bucket, const LaunchContext& base, const std::function<Status(size_t)>& onLayer);
    Status enqueueGemvLayer(const DeviceLayer& layer, size_t index, const SpanAttentionParams& attention,
                            const LaunchContext& ctx, const std::function<Status(size_t)>& onLayer);
    Status enqueueSkinny(const LaunchContext& ctx, const DeviceMatrix& matrix, const SkinnyParams& params);
    /// m_x, normalised, to m_normed.
    Status enqueueNorm(const LaunchContext& ctx, const float* gain, const WeightsAhead& ahead, int32_t bucket);
    /// By skinny_gemm.h or cuBLASLt, matrix by matrix.
    Status enqueueWideLayer(const DeviceLayer& layer, size_t index, const SpanAttentionParams& attention,
                            const LaunchContext& ctx, const std::function<Status(size_t)>& onLayer);
    /// What is the same for all layers.
    SpanAttentionParams attentionOf(int32_t bucket, Element outType) const;
    Status enqueueAttention(size_t index, SpanAttentionParams attention, const LaunchContext& ctx,
                            const std::function<Status(size_t)>& onLayer);
    /// Can skinny_gemm.h form this product, in all layers?
    bool skinnyFits(int32_t bucket, Matrix which) const;
    StepChoice choiceOf(int32_t bucket) const;
    /// Is it a step of gemv.h?
    bool usesGemv(int32_t bucket) const;
    /// `ctx` with the share of shared memory that suits a step's kernels.
    LaunchContext contextOf(int32_t bucket, bool gemv, const LaunchContext& ctx) const;
    WeightsAhead ahead(const DeviceMatrix& matrix) const;
    /// Nothing where the previous kernel has asked already.
    WeightsAhead aheadUnless(bool asked, const DeviceMatrix& matrix) const;
    void rotateAndAppend(size_t index, ProductParams& qkv) const;
    /// What follows layer `index`: the next one's first matrix, or the head.
    const DeviceMatrix& matrixAfterLayer(size_t index) const;
    struct GemmOperands {
        int32_t nRows;
        const void* x;  ///< (nRows, cols of the matrix) in the weights' type
        void* y;        ///< (nRows, rows of the matrix)
        Element outType;
        bool accumulate;
    };
    /// y = x W^T by cuBLASLt.
    Status multiply(const LaunchContext& ctx, const DeviceMatrix& matrix, const GemmOperands& operands);
    /// A matrix as cuBLASLt wants it: blocks are widened into scratch that the next call overwrites.
    Status plainData(const DeviceMatrix& matrix, const LaunchContext& ctx, const void*& data);
    Status addBias(const LaunchContext& ctx, const float* maybeBias, float* x, int32_t nRows);
    RmsNormParams normOf(const float* x, const float* gain, void* y) const;
    RopeAppendParams ropeOf(size_t index) const;
    void dropGraphs();
    /// Chooses cuBLASLt's algorithms for a bucket; before its first step.
    Status tuneGemms(int32_t bucket);
    /// The graph of a bucket's step, with what pays asked for ahead; right after a step that was launched directly,
    /// which it repeats (the same rows, positions and results) to measure.
    Status captureBucket(int32_t bucket);
    Status captureStep(int32_t bucket, cudaGraphExec_t& exec);
    /// Milliseconds of both, best of a few taken in turn.
    Status raceGraphs(cudaGraphExec_t a, cudaGraphExec_t b, float& aMs, float& bMs);
    Status finishTiming();

    Status prefillChunk(Sequence& sequence, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                        int32_t firstToken, std::span<float> maybeLogits);
    Status prefillLogits(int32_t n, std::span<float> logits);

    /// Profiling: what has been enqueued since the last mark counts as `stage`.
    Status mark(Stage stage, const LaunchContext& ctx);
    Status collectMarks();
    /// After a device failure every later call returns the same error.
    Status guard(Status status);

    ModelShape m_shape;
    BackendOptions m_options;
    std::string m_deviceName;
    Element m_kvType = Element::F32;
    Element m_weightType = Element::F32;
    int32_t m_device = 0;
    int32_t m_maxBucket = 1;
    std::map<int32_t, StepChoice> m_choices;  ///< bucket -> what was measured to be best
    int64_t m_aheadForced = -1;
    int32_t m_skinnyForced = -1;
    StepChoice m_choice;  ///< of what is being enqueued
    LaunchContext m_ctx;
    DeviceWeights m_weights;
    Gemm m_gemm;

    DeviceBuffer m_kv;
    int32_t m_nPages = 0;
    std::vector<int32_t> m_freePages;
    std::map<int32_t, Sequence> m_sequences;
    int32_t m_nextId = 0;

    // Decode scratch: (m_maxBucket, ...)
    MappedBuffer m_items, m_results, m_intervals;
    size_t m_nIntervalsUsed = 0;
    DeviceBuffer m_rows, m_rotation, m_x, m_normed, m_qkv, m_q, m_attended, m_gateUp, m_hidden, m_logits;
    DeviceBuffer m_attentionWork, m_partialO, m_partialMl, m_arrived, m_shared;
    DeviceBuffer m_widened;  ///< a matrix in blocks as cuBLASLt wants it
    std::map<int32_t, cudaGraphExec_t> m_graphs;

    // Prefill scratch: (m_chunkTokens, ...)
    int32_t m_chunkTokens = 0;
    int32_t m_maxKeyTiles = 0;
    DeviceBuffer m_pTokens, m_pRotation, m_pX, m_pNormed, m_pWide, m_pNarrow, m_pTiles, m_pTileCounts, m_pRuns,
        m_pIntervals;

    cudaEvent_t m_begin = nullptr, m_end = nullptr;
    int64_t m_lastNs = 0;
    int64_t m_lastHostNs = 0;
    bool m_profiling = false;
    StageTimes m_times;
    std::vector<cudaEvent_t> m_marks;  ///< grown on demand, profiling only
    std::vector<Stage> m_markStages;
    bool m_lost = false;
    Error m_lostError;
};

}  // namespace spanscope::cuda
