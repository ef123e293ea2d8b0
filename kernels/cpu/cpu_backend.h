// The CPU backend: weights in their own formats, a paged KV cache, one decode step as a row of short parallel sections,
// prefill in chunks of matrices. Same results for any number of threads.
//
// One thread at a time per object. Public beyond Backend: kvPagesLoaded(), so that a test can count instead of time.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/gemv.h"
#include "kernels/cpu/kv_cache.h"
#include "kernels/cpu/low_rank.h"
#include "kernels/cpu/page_plan.h"
#include "kernels/cpu/prefill_buffers.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/weight_copies.h"

namespace spanscope::cpu {

class CpuBackend final : public Backend {
  public:
    /// Weights and options already checked.
    CpuBackend(const ModelWeights& weights, const BackendOptions& options, std::unique_ptr<KvCache> cache);

    BackendInfo info() const override;
    const ModelShape& shape() const override { return m_weights.shape; }
    Result<SequenceId> createSequence(int32_t capacityTokens) override {
        return m_cache->createSequence(capacityTokens);
    }
    void freeSequence(SequenceId sequence) override { m_cache->freeSequence(sequence); }
    int32_t storedTokens(SequenceId sequence) const override;
    void truncate(SequenceId sequence, int32_t nTokens) override;
    Status prefill(SequenceId sequence, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> maybeLogits) override;
    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override;
    Status lateLogits(size_t index, std::span<float> logits) override;
    Result<ProbeResult> probe(const ProbeRequest& request) override;
    void setProfiling(bool on) override { m_profiling = on; }
    StageTimes stageTimes() const override { return m_times; }
    void resetStageTimes() override { m_times = {}; }
    int64_t lastDeviceNs() const override { return m_lastNs; }
    size_t bytesHeld() const override;

    /// Pages of one layer and one KV head that attention has loaded, ever; counted where they are loaded.
    uint64_t kvPagesLoaded() const { return m_kvPagesLoaded; }

  private:
    /// Vectors of a layer as floats; empty where the model has none.
    struct LayerVectors {
        std::vector<float> attnNorm, qNorm, kNorm, postAttnNorm, mlpNorm, postMlpNorm;
        std::vector<float> qkvBias, oBias, gateBias, upBias, downBias;  // q, k and v in one row
        uint32_t qkvFormats = 0, oFormats = 0, gateUpFormats = 0, downFormats = 0;
        LowRankGroup qkvDelta, oDelta, gateUpDelta, downDelta;  // empty where no adapter is
        size_t plan = 0;                                        ///< index into m_plans: that of the layer's window
        size_t nFloats() const;
        std::array<LowRankGroup*, 4> deltas() { return {&qkvDelta, &oDelta, &gateUpDelta, &downDelta}; }
    };
    /// One token of a step.
    struct Step {
        KvSequence* sequence = nullptr;
        int32_t token = 0;
        int32_t position = 0;
        KeySelector* selector = nullptr;
        std::span<const Interval> visible = {};  ///< what the selector chooses from
    };
    /// What probe() wants out of a step. Layers are taken one by one, on the calling thread.
    struct Capture {
        std::vector<std::vector<std::byte>> saved;      ///< per layer: the cache's own bits
        std::vector<std::vector<float>> probabilities;  ///< per layer (nHeads, position + 1)
        std::vector<float> scores;                      ///< of one task: DecodeChunk::keptScores
    };
    class ChunkPass;  // prefill_chunk.cpp

    void addAdapter(const LayerAdapter& adapter, LayerVectors& v);
    void placeAdapters();

    // decode_step.cpp
    void clearPlans();
    void planStep(const Step& step, std::span<const Interval> visible);
    void sealPlans();
    void forward(std::span<Step> steps, Capture* capture);
    void rotate(float* heads, int32_t nHeads, const std::vector<float>& gain, RopePairs pairs, size_t angles,
                float scale) const;
    void attend(int32_t layer, std::span<Step> steps, Capture* capture);
    void attendChosen(int32_t layer, int32_t item, const Step& step);  // attend_chosen.cpp
    void addProduct(const TensorView& w, const GemvInput& in, const std::vector<float>& bias, const LowRankGroup& delta,
                    const std::vector<float>& gain);
    LowRankSection section(const LowRankGroup& delta, const GemvInput& in);
    static void adaptedRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias,
                            Output mode, float* out, size_t outStride, const LowRankSection& delta, size_t part);
    void logitsOf(int32_t nItems, float* logits);  // from m_x
    void findBest(const float* logits, int64_t nItems, const DecodeOutput& output);
    void matrix(const TensorView& w, const GemvInput& in, const float* bias, Output mode, float* out, size_t outStride);

    // probe.cpp
    static void captureChunk(const DecodeChunk& d, int32_t position, Capture& capture);
    void finishCapture(const Step& step, int32_t layer, Capture& capture);

    // prefill_chunk.cpp
    void prefillChunk(KvSequence& sequence, std::span<const int32_t> tokens, int32_t firstIndex,
                      std::span<const QueryRun> runs);

    const TensorView& head() const { return m_weights.head ? m_weights.head : m_weights.embedding; }
    int32_t qRows() const { return m_weights.shape.nHeads * m_weights.shape.headDim; }
    int32_t kvRows() const { return m_weights.shape.nKvHeads * m_weights.shape.headDim; }
    void embed(int32_t token, float* out) const;

    ModelWeights m_weights;  // views; the caller owns the memory, or m_copies
    BackendOptions m_options;
    std::unique_ptr<KvCache> m_cache;
    ThreadPool m_pool;
    WeightCopies m_copies;
    std::vector<LayerVectors> m_vectors;
    int64_t m_maxRank = 0;  // of a LowRankGroup
    size_t m_lowRankScratch = 0;
    LargePages::Owner m_adapterMemory;  // of all LowRankGroups
    std::vector<float> m_finalNorm;

    // decode, sized once; (maxBatch, ...) each
    LineVector<float> m_x, m_qkv, m_gate, m_up, m_logits;
    size_t m_nLate = 0;                ///< rows of m_logits that lateLogits() may give
    LineVector<float> m_product;       // empty where no product is normalised before it is added
    LineVector<float> m_lowRank;       // what a LowRankGroup takes: A x of the matrices that share an input
    LineVector<float> m_replaced;      // (replaced rows of the head): their logits
    std::vector<LogitRange> m_ranges;  // (maxBatch, ranges of a row)
    LineVector<float> m_cos, m_sin;    // of each rope (maxBatch, its pairs); rope r begins at maxBatch * pairsBefore(r)
    GemvInputBuffer m_input;
    std::vector<Step> m_steps;
    std::vector<StepPlan> m_plans;             // one for every window that layers have
    LineVector<float> m_partials;              // (results of chunks, nHeads, partialStride)
    std::vector<int32_t> m_pagesLoaded;        // (chunks, nKvHeads) at most: by task
    std::vector<LineVector<float>> m_scratch;  // per thread: attention

    std::unique_ptr<PrefillBuffers> m_prefill;  // none before the first prefill

    uint64_t m_kvPagesLoaded = 0;
    bool m_profiling = false;
    StageTimes m_times;
    int64_t m_lastNs = 0;
};

int64_t monotonicNs();
/// Queries are multiplied by it.
float attentionScaleOf(const ModelShape& shape);

}  // namespace spanscope::cpu
