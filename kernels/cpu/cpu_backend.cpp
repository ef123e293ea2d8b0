#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <fstream>
#include <string>
#include <system_error>

#include "kernels/backends.h"
#include "kernels/checks.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/rope_angles.h"
#include "kernels/cpu/widen.h"
#include "kernels/process_limits.h"

namespace spanscope::cpu {

int64_t monotonicNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

float attentionScaleOf(const ModelShape& shape) {
    return shape.attentionScale > 0 ? shape.attentionScale : 1.0f / std::sqrt(static_cast<float>(shape.headDim));
}

namespace {

std::vector<float> floatsOf(const TensorView& t) {
    std::vector<float> r(t ? static_cast<size_t>(t.rows * t.cols) : 0);
    if (t) widenRow(t.dtype, t.data, 0, t.rows * t.cols, r.data());
    return r;
}

uint32_t formats(std::initializer_list<const TensorView*> tensors) {
    uint32_t bits = 0;
    for (const TensorView* t : tensors) bits |= GemvInputBuffer::formatBit(t->dtype);
    return bits;
}

int32_t threadsFor(const BackendOptions& options) {
    if (options.nThreads > 0) return options.nThreads;
    return usableThreads();
}

std::string processorName() {
    std::ifstream cpuinfo("/proc/cpuinfo");
    for (std::string line; std::getline(cpuinfo, line);)
        if (line.rfind("model name", 0) == 0)
            if (const size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
    return "CPU";
}

size_t widest(const ModelShape& s) { return static_cast<size_t>(std::max({s.hidden, s.ffn, s.nHeads * s.headDim})); }

}  // namespace

CpuBackend::CpuBackend(const ModelWeights& weights, const BackendOptions& options, std::unique_ptr<KvCache> cache)
    : m_weights(weights),
      m_options(options),
      m_cache(std::move(cache)),
      m_pool(threadsFor(options)),
      m_finalNorm(floatsOf(weights.finalNorm)),
      m_input(static_cast<int64_t>(widest(weights.shape)), options.maxBatch) {
    m_copies.take(m_weights, m_pool);
    const ModelShape& s = m_weights.shape;
    const auto batch = static_cast<size_t>(options.maxBatch);
    const auto nQ = static_cast<size_t>(qRows()), nKv = static_cast<size_t>(kvRows());
    for (size_t l = 0; l < m_weights.layers.size(); ++l) {
        const LayerWeights& w = m_weights.layers[l];
        LayerVectors v;
        v.attnNorm = floatsOf(w.attnNorm);
        v.qNorm = floatsOf(w.qNorm);
        v.kNorm = floatsOf(w.kNorm);
        v.postAttnNorm = floatsOf(w.postAttnNorm);
        v.mlpNorm = floatsOf(w.mlpNorm);
        v.postMlpNorm = floatsOf(w.postMlpNorm);
        if (w.qBias || w.kBias || w.vBias) {
            v.qkvBias.assign(nQ + 2 * nKv, 0.0f);
            const auto put = [&](const TensorView& t, size_t at) {
                const std::vector<float> f = floatsOf(t);
                std::copy(f.begin(), f.end(), v.qkvBias.begin() + static_cast<std::ptrdiff_t>(at));
            };
            put(w.qBias, 0);
            put(w.kBias, nQ);
            put(w.vBias, nQ + nKv);
        }
        v.oBias = floatsOf(w.oBias);
        v.gateBias = floatsOf(w.gateBias);
        v.upBias = floatsOf(w.upBias);
        v.downBias = floatsOf(w.downBias);
        v.qkvFormats = formats({&w.q, &w.k, &w.v});
        v.oFormats = formats({&w.o});
        v.gateUpFormats = formats({&w.gate, &w.up});
        v.downFormats = formats({&w.down});
        if (!m_weights.adapters.empty()) addAdapter(m_weights.adapters[l], v);
        m_vectors.push_back(std::move(v));
    }
    placeAdapters();
    const auto hidden = static_cast<size_t>(s.hidden), ffn = static_cast<size_t>(s.ffn);
    m_x.resize(batch * hidden);
    m_qkv.resize(batch * (nQ + 2 * nKv));
    m_gate.resize(batch * ffn);
    m_up.resize(batch * ffn);
    m_logits.resize(batch * static_cast<size_t>(s.vocab));
    m_ranges.resize(batch * static_cast<size_t>((s.vocab + kLogitRange - 1) / kLogitRange));
    if (std::any_of(m_vectors.begin(), m_vectors.end(),
                    [](const LayerVectors& v) { return !v.postAttnNorm.empty() || !v.postMlpNorm.empty(); }))
        m_product.resize(batch * hidden);
    m_lowRank.resize(batch * m_lowRankScratch);
    m_replaced.resize(batch * m_weights.headRows.ids.size());
    m_cos.resize(batch * pairsOfAll(s));
    m_sin.resize(m_cos.size());
    m_steps.resize(batch);
    const auto pages = static_cast<size_t>((options.kvTokens + kPageTokens - 1) / kPageTokens);
    for (int32_t l = 0; l < s.nLayers; ++l) {
        const int32_t window = s.layerKind(l).window;
        const auto plan =
            std::find_if(m_plans.begin(), m_plans.end(), [window](const StepPlan& p) { return p.window() == window; });
        m_vectors[static_cast<size_t>(l)].plan = static_cast<size_t>(plan - m_plans.begin());
        if (plan == m_plans.end()) m_plans.emplace_back(window, pages, options.maxBatch);
    }
    size_t chunks = 0;
    for (const StepPlan& plan : m_plans) chunks = std::max(chunks, plan.maxChunks());
    m_pagesLoaded.resize(chunks * static_cast<size_t>(s.nKvHeads));
    m_partials.resize(chunks * static_cast<size_t>(s.nHeads) * partialStride(s.headDim));
    m_scratch.resize(static_cast<size_t>(m_pool.nThreads()));
    for (auto& v : m_scratch) v.resize(decodeScratch(s.nHeads));
}

void CpuBackend::addAdapter(const LayerAdapter& a, LayerVectors& v) {
    v.qkvDelta = LowRankGroup({&a.q, &a.k, &a.v});
    v.oDelta = LowRankGroup({&a.o});
    v.gateUpDelta = LowRankGroup({&a.gate, &a.up});
    v.downDelta = LowRankGroup({&a.down});
    for (const LowRankGroup* delta : v.deltas()) {
        m_maxRank = std::max(m_maxRank, delta->rank());
        m_lowRankScratch = std::max(m_lowRankScratch, delta->scratch());
    }
}

/// In the order in which a step reads them.
void CpuBackend::placeAdapters() {
    size_t size = 0;
    for (LayerVectors& v : m_vectors)
        for (const LowRankGroup* delta : v.deltas()) size += delta->nBytes();
    if (size == 0) return;
    m_adapterMemory = LargePages::zeros(size);
    uint8_t* at = m_adapterMemory.get();
    LowRankGroup* before = nullptr;
    for (LayerVectors& v : m_vectors) {
        for (LowRankGroup* delta : v.deltas()) {
            delta->place(at);
            at += delta->nBytes();
            if (before != nullptr) before->precede(*delta);
            before = delta;
        }
    }
}

BackendInfo CpuBackend::info() const {
    return {.name = "cpu",
            .device = processorName(),
            .nThreads = m_pool.nThreads(),
            .kvType = m_cache->type(),
            .keySelection = true,
            .manyOfOne = true,
            .maxBatch = m_options.maxBatch};
}

int32_t CpuBackend::storedTokens(SequenceId sequence) const {
    const KvSequence* s = m_cache->find(sequence);
    return s ? s->stored : 0;
}

void CpuBackend::truncate(SequenceId sequence, int32_t nTokens) {
    KvSequence* s = m_cache->find(sequence);
    if (s && nTokens >= 0 && nTokens < s->stored) s->stored = nTokens;
}

void CpuBackend::embed(int32_t token, float* out) const {
    const int64_t replaced = m_weights.embeddingRows.find(token);
    const TensorView& e = replaced < 0 ? m_weights.embedding : m_weights.embeddingRows.rows;
    const auto row = static_cast<size_t>(replaced < 0 ? token : replaced);
    widenRow(e.dtype, static_cast<const uint8_t*>(e.data) + row * rowBytes(e.dtype, e.cols), 0, e.cols, out);
    if (const float scale = m_weights.shape.embeddingScale; scale != 1.0f)
        for (int64_t i = 0; i < e.cols; ++i) out[i] *= scale;
}

size_t CpuBackend::LayerVectors::nFloats() const {
    size_t n = 0;
    for (const auto* v : {&attnNorm, &qNorm, &kNorm, &postAttnNorm, &mlpNorm, &postMlpNorm, &qkvBias, &oBias, &gateBias,
                          &upBias, &downBias})
        n += v->size();
    return n;
}

size_t CpuBackend::bytesHeld() const {
    size_t floats = m_x.size() + m_qkv.size() + m_gate.size() + m_up.size() + m_logits.size() + m_product.size() +
                    m_partials.size() + m_lowRank.size() + m_replaced.size();
    for (const auto& v : m_scratch) floats += v.size();
    size_t adapter = 0;
    for (const LayerVectors& v : m_vectors) {
        floats += v.nFloats();
        for (const LowRankGroup* delta : {&v.qkvDelta, &v.oDelta, &v.gateUpDelta, &v.downDelta})
            adapter += delta->nBytes();
    }
    size_t bytes = m_copies.nBytes() + adapter + floats * sizeof(float) + m_ranges.size() * sizeof(LogitRange) +
                   m_input.nBytes() + m_cache->nBytes();
    for (const StepPlan& plan : m_plans) bytes += plan.nBytes();
    return bytes + (m_prefill ? m_prefill->nBytes() : 0);
}

Status CpuBackend::decode(std::span<const DecodeItem> items, const DecodeOutput& output) {
    const int64_t start = monotonicNs();
    const auto vocab = static_cast<size_t>(m_weights.shape.vocab);
    m_nLate = 0;
    if (items.empty() || static_cast<int32_t>(items.size()) > m_options.maxBatch)
        return invalidArgument("items of a batch", std::to_string(items.size()), rangeText(1, m_options.maxBatch));
    if (!output.maybeLogits.empty() && output.maybeLogits.size() != items.size() * vocab)
        return invalidArgument("size of the logits", std::to_string(output.maybeLogits.size()),
                               std::to_string(items.size() * vocab));
    for (size_t i = 0; i < items.size(); ++i) {
        const DecodeItem& item = items[i];
        KvSequence* s = m_cache->find(item.sequence);
        if (!s) return invalidArgument("unknown sequence", std::to_string(item.sequence.value));
        auto earlier = earlierOfSequence(items, i);
        if (!earlier) return earlier.error();
        const int32_t stored = s->stored + *earlier;
        if (item.position != stored)
            return invalidArgument("position of a decoded token", std::to_string(item.position),
                                   std::to_string(stored));
        if (stored >= s->capacity) return invalidArgument("sequence is full", std::to_string(stored), {});
        if (Status st = checkTokens({&item.token, 1}, m_weights.shape.vocab); !st) return st;
        if (Status st = checkIntervals(item.visible, "decode"); !st) return st;
        m_steps[i] = {s, item.token, item.position, item.selector, item.visible};
    }
    clearPlans();
    for (size_t i = 0; i < items.size(); ++i) {
        const Interval own{items[i].position, kOpenEnd};
        planStep(m_steps[i], items[i].selector ? std::span(&own, 1) : items[i].visible);
    }
    sealPlans();
    const std::span<Step> steps(m_steps.data(), items.size());
    forward(steps, nullptr);
    float* logits = output.maybeLogits.empty() ? m_logits.data() : output.maybeLogits.data();
    logitsOf(static_cast<int32_t>(items.size()), logits);
    for (const Step& step : steps) ++step.sequence->stored;
    const size_t nWanted = std::min(items.size(), std::max(output.argmax.size(), output.argmaxLogprob.size()));
    findBest(logits, static_cast<int64_t>(nWanted), output);
    if (output.maybeLogits.empty()) m_nLate = items.size();
    m_lastNs = monotonicNs() - start;
    if (m_profiling) m_times.otherNs += m_lastNs;  // forward() has taken its own stages off
    return {};
}

Status CpuBackend::lateLogits(size_t index, std::span<float> logits) {
    const auto vocab = static_cast<size_t>(m_weights.shape.vocab);
    if (Status st = checkLateLogits(index, m_nLate, logits.size(), vocab); !st) return st;
    std::copy_n(m_logits.data() + index * vocab, vocab, logits.data());
    return {};
}

}  // namespace spanscope::cpu

namespace spanscope {

Result<std::unique_ptr<Backend>> makeCpuBackend(const ModelWeights& weights, const BackendOptions& options) {
    if (Status st = checkWeights(weights); !st) return st.error();
    if (Status st = checkOptions(options); !st) return st.error();
    try {
        auto cache = cpu::KvCache::create(weights.shape, options.kvTokens,
                                          options.kvType.value_or(defaultKvType(Device::Cpu, weights)));
        if (!cache) return cache.error();
        return std::unique_ptr<Backend>(std::make_unique<cpu::CpuBackend>(weights, options, std::move(*cache)));
    } catch (const std::system_error& e) {
        return Error{ErrorCode::OutOfMemory,
                     std::string("a thread of the CPU backend cannot be started: ").append(e.what()),
                     {},
                     "threads",
                     std::to_string(cpu::threadsFor(options)),
                     "fewer"};
    } catch (const std::exception& e) {  // std::bad_alloc
        return Error{ErrorCode::OutOfMemory,
                     std::string("there is not enough memory for the CPU backend: ").append(e.what())};
    }
}

}  // namespace spanscope
