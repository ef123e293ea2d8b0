// One decode step: for each layer norm, QKV, rotation and append, attention, output, norm, gate and up, down.
// The matrices and the attention are parallel sections; what lies between them is a few hundred values and stays
// on the calling thread, which costs less than a section.
#include <algorithm>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/rope_angles.h"

namespace spanscope::cpu {

namespace {

const float* maybe(const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); }

}  // namespace

void CpuBackend::clearPlans() {
    for (StepPlan& plan : m_plans) plan.clear();
}

void CpuBackend::planStep(const Step& step, std::span<const Interval> visible) {
    for (StepPlan& plan : m_plans) plan.add(visible, step.position, step.sequence->pages);
}

/// Divides what was planned, and takes the memory for it where tokens of one sequence want more than ever before.
void CpuBackend::sealPlans() {
    const ModelShape& s = m_weights.shape;
    size_t tasks = 0, partials = 0, scratch = 0;
    for (StepPlan& plan : m_plans) {
        plan.seal();
        tasks = std::max(tasks, plan.chunks().size() * static_cast<size_t>(s.nKvHeads));
        partials = std::max(partials, plan.nPartials() * static_cast<size_t>(s.nHeads) * partialStride(s.headDim));
        scratch = std::max(scratch, decodeScratch(s.nHeads / s.nKvHeads * plan.mostTogether()));
    }
    if (m_pagesLoaded.size() < tasks) m_pagesLoaded.resize(tasks);
    if (m_partials.size() < partials) m_partials.resize(partials);
    if (m_scratch[0].size() >= scratch) return;
    for (auto& v : m_scratch) v.resize(scratch);
}

void CpuBackend::matrix(const TensorView& w, const GemvInput& in, const float* bias, Output mode, float* out,
                        size_t outStride) {
    const int64_t rows = gemvChunkRows(w);
    m_pool.parallelFor((w.rows + rows - 1) / rows, [&](int64_t chunk, int32_t) {
        gemvRows(w, chunk * rows, std::min(w.rows, (chunk + 1) * rows), in, bias, mode, out, outStride);
    });
}

LowRankSection CpuBackend::section(const LowRankGroup& delta, const GemvInput& in) {
    return LowRankSection(delta, in.x, in.stride, in.nItems, m_lowRank.data());
}

/// Rows [begin, end) of a matrix that is part `part` of `delta`, in a section; begin is a multiple of 16. The adapter's
/// own rows are asked for some at a time while the matrix is read.
void CpuBackend::adaptedRows(const TensorView& w, int64_t begin, int64_t end, const GemvInput& in, const float* bias,
                             Output mode, float* out, size_t outStride, const LowRankSection& delta, size_t part) {
    constexpr int64_t kRows = 32;
    if (!delta.has(part)) return gemvRows(w, begin, end, in, bias, mode, out, outStride);
    for (int64_t row = begin; row < end; row += kRows) {
        const int64_t last = std::min(end, row + kRows);
        delta.prefetch(part, row, last);
        gemvRows(w, row, last, in, bias, mode, out, outStride);
    }
}

/// m_x += w in + bias; that product is normalised before it is added where the model has a norm there.
void CpuBackend::addProduct(const TensorView& w, const GemvInput& in, const std::vector<float>& bias,
                            const LowRankGroup& delta, const std::vector<float>& gain) {
    const auto hidden = static_cast<size_t>(m_weights.shape.hidden);
    const Output mode = gain.empty() ? Output::Add : Output::Store;
    float* out = gain.empty() ? m_x.data() : m_product.data();
    LowRankSection adapter = section(delta, in);
    const int64_t rows = gemvChunkRows(w);
    m_pool.parallelFor((w.rows + rows - 1) / rows, [&](int64_t chunk, int32_t) {
        const int64_t first = chunk * rows, last = std::min(w.rows, first + rows);
        adapter.begin();
        adaptedRows(w, first, last, in, maybe(bias), mode, out, hidden, adapter, 0);
        adapter.add(0, first, last, out, hidden);
    });
    if (gain.empty()) return;
    for (size_t at = 0; at < static_cast<size_t>(in.nItems) * hidden; at += hidden)
        rmsNormAdd(m_product.data() + at, gain.data(), m_weights.shape.hidden, m_weights.shape.rmsEps, m_x.data() + at);
}

/// Norm, rotation and scale of one token's query or key heads. angles: where theirs begin in m_cos and m_sin.
void CpuBackend::rotate(float* heads, int32_t nHeads, const std::vector<float>& gain, RopePairs pairs, size_t angles,
                        float scale) const {
    const auto span = static_cast<int64_t>(gain.size());
    for (int64_t at = 0; span > 0 && at < nHeads * pairs.headDim; at += span)
        rmsNorm(heads + at, gain.data(), span, m_weights.shape.rmsEps, heads + at);
    for (int32_t h = 0; h < nHeads; ++h)
        rope(heads + h * pairs.headDim, pairs, m_cos.data() + angles, m_sin.data() + angles, scale);
}

void CpuBackend::forward(std::span<Step> steps, Capture* capture) {
    const ModelShape& s = m_weights.shape;
    const auto n = static_cast<int32_t>(steps.size());
    const auto hidden = static_cast<size_t>(s.hidden), ffn = static_cast<size_t>(s.ffn);
    const auto nQ = static_cast<size_t>(qRows()), nKv = static_cast<size_t>(kvRows());
    const size_t qkvStride = nQ + 2 * nKv;
    const float scale = attentionScaleOf(s);
    const auto maxBatch = static_cast<size_t>(m_options.maxBatch);
    const auto activate = s.activation == Activation::Silu ? siluMul : geluTanhMul;
    int64_t mark = 0, attentionNs = 0, matmulNs = 0;
    const auto begin = [&] {
        if (m_profiling) mark = monotonicNs();
    };
    const auto end = [&](int64_t& sum) {
        if (m_profiling) sum += monotonicNs() - mark;
    };

    for (int32_t i = 0; i < n; ++i) {
        const Step& step = steps[static_cast<size_t>(i)];
        const auto at = static_cast<size_t>(i);
        embed(step.token, m_x.data() + at * hidden);
        for (size_t r = 0; r < s.ropes.size(); ++r) {
            const size_t angles = maxBatch * pairsBefore(s, r) + at * s.ropes[r].invFreq.size();
            ropeAngles(s.ropes[r], takesLongRope(s, step.sequence->capacity), step.position, m_cos.data() + angles,
                       m_sin.data() + angles, 1);
        }
    }
    const auto normInto = [&](const std::vector<float>& gain) {
        for (int32_t i = 0; i < n; ++i) {
            const float* x = m_x.data() + static_cast<size_t>(i) * hidden;
            if (gain.empty()) std::copy_n(x, hidden, m_input.x(i));
            else rmsNorm(x, gain.data(), s.hidden, s.rmsEps, m_input.x(i));
        }
    };

    for (int32_t l = 0; l < s.nLayers; ++l) {
        const LayerWeights& w = m_weights.layers[static_cast<size_t>(l)];
        const LayerVectors& v = m_vectors[static_cast<size_t>(l)];

        normInto(v.attnNorm);
        GemvInput in = m_input.prepare(s.hidden, n, v.qkvFormats);
        begin();
        {
            // One section for the three matrices.
            LowRankSection adapter = section(v.qkvDelta, in);
            const TensorView* parts[3] = {&w.q, &w.k, &w.v};
            const size_t firstRow[3] = {0, nQ, nQ + nKv};
            int64_t rows[3], firstChunk[4] = {0, 0, 0, 0};
            for (size_t p = 0; p < 3; ++p) {
                rows[p] = gemvChunkRows(*parts[p]);
                firstChunk[p + 1] = firstChunk[p] + (parts[p]->rows + rows[p] - 1) / rows[p];
            }
            m_pool.parallelFor(firstChunk[3], [&](int64_t chunk, int32_t) {
                const size_t p = chunk < firstChunk[1] ? 0 : chunk < firstChunk[2] ? 1 : 2;
                const int64_t row = (chunk - firstChunk[p]) * rows[p], last = std::min(parts[p]->rows, row + rows[p]);
                float* out = m_qkv.data() + firstRow[p];
                adapter.begin();
                adaptedRows(*parts[p], row, last, in, v.qkvBias.empty() ? nullptr : v.qkvBias.data() + firstRow[p],
                            Output::Store, out, qkvStride, adapter, p);
                adapter.add(p, row, last, out, qkvStride);
            });
        }
        end(matmulNs);

        const int32_t ropeIndex = s.layerKind(l).rope;
        const size_t nPairs = rotatedPairs(s, ropeIndex);
        const size_t ropeBegin = ropeIndex < 0 ? 0 : maxBatch * pairsBefore(s, static_cast<size_t>(ropeIndex));
        const RopePairs pairs{s.headDim, static_cast<int64_t>(nPairs), s.ropeInterleaved};
        for (int32_t i = 0; i < n; ++i) {
            const Step& step = steps[static_cast<size_t>(i)];
            const auto at = static_cast<size_t>(i);
            float* q = m_qkv.data() + at * qkvStride;
            float* k = q + nQ;
            rotate(q, s.nHeads, v.qNorm, pairs, ropeBegin + at * nPairs, scale);
            rotate(k, s.nKvHeads, v.kNorm, pairs, ropeBegin + at * nPairs, 1.0f);
            if (capture) m_cache->save(l, *step.sequence, step.position, capture->saved[static_cast<size_t>(l)]);
            m_cache->store(l, *step.sequence, step.position, k, k + nKv, 1);
        }

        begin();
        attend(l, steps, capture);
        end(attentionNs);

        in = m_input.prepare(qRows(), n, v.oFormats);
        begin();
        addProduct(w.o, in, v.oBias, v.oDelta, v.postAttnNorm);
        end(matmulNs);

        normInto(v.mlpNorm);
        in = m_input.prepare(s.hidden, n, v.gateUpFormats);
        begin();
        {
            LowRankSection adapter = section(v.gateUpDelta, in);
            const int64_t rows = std::min(gemvChunkRows(w.gate), gemvChunkRows(w.up));
            m_pool.parallelFor((s.ffn + rows - 1) / rows, [&](int64_t chunk, int32_t) {
                const int64_t first = chunk * rows, last = std::min<int64_t>(s.ffn, first + rows);
                adapter.begin();
                adaptedRows(w.gate, first, last, in, maybe(v.gateBias), Output::Store, m_gate.data(), ffn, adapter, 0);
                adaptedRows(w.up, first, last, in, maybe(v.upBias), Output::Store, m_up.data(), ffn, adapter, 1);
                adapter.add(0, first, last, m_gate.data(), ffn);
                adapter.add(1, first, last, m_up.data(), ffn);
            });
        }
        end(matmulNs);
        for (int32_t i = 0; i < n; ++i) {
            const auto at = static_cast<size_t>(i) * ffn;
            std::copy_n(m_gate.data() + at, ffn, m_input.x(i));
            activate(m_input.x(i), m_up.data() + at, s.ffn);
        }
        in = m_input.prepare(s.ffn, n, v.downFormats);
        begin();
        addProduct(w.down, in, v.downBias, v.downDelta, v.postMlpNorm);
        end(matmulNs);
    }
    m_times.attentionNs += attentionNs;
    m_times.matmulNs += matmulNs;
    m_times.otherNs -= attentionNs + matmulNs;  // the caller adds the whole call
}

void CpuBackend::attend(int32_t layer, std::span<Step> steps, Capture* capture) {
    const ModelShape& s = m_weights.shape;
    const StepPlan& plan = m_plans[m_vectors[static_cast<size_t>(layer)].plan];
    const std::span<const PageChunk> chunks = plan.chunks();
    const auto nChunks = static_cast<int32_t>(chunks.size());
    const int32_t group = s.nHeads / s.nKvHeads;
    const size_t stride = partialStride(s.headDim);
    const size_t chunkStride = static_cast<size_t>(s.nHeads) * stride;
    const size_t qkvStride = static_cast<size_t>(qRows() + 2 * kvRows());
    // All heads of a page in one task read memory fastest. With few chunks heads are shared out, so that threads end
    // together.
    const auto nThreads = static_cast<int32_t>(m_pool.nThreads());
    int32_t parts = 1;
    while (parts < s.nKvHeads && nChunks * parts < 4 * nThreads && nChunks * parts % nThreads != 0) ++parts;
    const int32_t perTask = (s.nKvHeads + parts - 1) / parts;
    parts = (s.nKvHeads + perTask - 1) / perTask;
    const auto run = [&](int64_t task, int32_t thread) {
        const auto c = static_cast<size_t>(task / parts);
        const PageChunk& chunk = chunks[c];
        DecodeChunk d;
        d.cache = m_cache.get();
        d.layer = layer;
        d.firstKvHead = static_cast<int32_t>(task % parts) * perTask;
        d.nKvHeads = std::min(perTask, s.nKvHeads - d.firstKvHead);
        const int32_t firstHead = d.firstKvHead * group;
        d.pages = plan.pagesOf(chunk);
        d.nQueries = chunk.nItems;
        d.masks = plan.masksOf(chunk);
        d.q = m_qkv.data() + static_cast<size_t>(chunk.item) * qkvStride + static_cast<size_t>(firstHead * s.headDim);
        d.queryStride = qkvStride;
        d.partialOfQuery = chunkStride;
        d.group = group;
        d.headDim = s.headDim;
        d.softcap = s.attentionSoftcap;
        d.scratch = m_scratch[static_cast<size_t>(thread)].data();
        d.keptScores = capture ? capture->scores.data() : nullptr;
        d.partial = m_partials.data() + static_cast<size_t>(chunk.partial) * chunkStride +
                    static_cast<size_t>(firstHead) * stride;
        m_pagesLoaded[static_cast<size_t>(task)] = attendChunk(d);
        if (capture) captureChunk(d, steps[0].position, *capture);
    };
    const int64_t nTasks = int64_t{nChunks} * parts;
    if (capture) {
        capture->probabilities[static_cast<size_t>(layer)].assign(
            static_cast<size_t>(s.nHeads) * static_cast<size_t>(steps[0].position + 1), 0.0f);
        for (int64_t t = 0; t < nTasks; ++t) run(t, 0);
    } else {
        m_pool.parallelFor(nTasks, run);
    }
    for (int64_t t = 0; t < nTasks; ++t)
        m_kvPagesLoaded += static_cast<uint64_t>(m_pagesLoaded[static_cast<size_t>(t)]);

    for (int32_t i = 0; i < static_cast<int32_t>(steps.size()); ++i) {
        const ItemPartials own = plan.partialsOf(i);
        const float* partials = m_partials.data() + static_cast<size_t>(own.first) * chunkStride;
        for (int32_t h = 0; h < s.nHeads; ++h)
            mergePartials(partials + static_cast<size_t>(h) * stride, own.n,
                          static_cast<size_t>(own.apart) * chunkStride, s.headDim, m_input.x(i) + h * s.headDim);
        if (const Step& step = steps[static_cast<size_t>(i)]; step.selector) attendChosen(layer, i, step);
    }
    if (capture) finishCapture(steps[0], layer, *capture);
}

void CpuBackend::logitsOf(int32_t nItems, float* logits) {
    const ModelShape& s = m_weights.shape;
    for (int32_t i = 0; i < nItems; ++i)
        rmsNorm(m_x.data() + static_cast<size_t>(i) * static_cast<size_t>(s.hidden), m_finalNorm.data(), s.hidden,
                s.rmsEps, m_input.x(i));
    const ReplacedRows& own = m_weights.headRows;
    uint32_t formats = GemvInputBuffer::formatBit(head().dtype);
    if (!own.ids.empty()) formats |= GemvInputBuffer::formatBit(own.rows.dtype);
    const GemvInput in = m_input.prepare(s.hidden, nItems, formats);
    const int64_t start = m_profiling ? monotonicNs() : 0;
    matrix(head(), in, nullptr, Output::Store, logits, static_cast<size_t>(s.vocab));
    if (!own.ids.empty()) {
        const size_t nOwn = own.ids.size();
        matrix(own.rows, in, nullptr, Output::Store, m_replaced.data(), nOwn);
        for (size_t item = 0; item < static_cast<size_t>(nItems); ++item)
            for (size_t i = 0; i < nOwn; ++i)
                logits[item * static_cast<size_t>(s.vocab) + static_cast<size_t>(own.ids[i])] =
                    m_replaced[item * nOwn + i];
    }
    if (s.logitSoftcap > 0) {
        constexpr int64_t kPart = 4096;
        const int64_t nParts = (s.vocab + kPart - 1) / kPart;
        m_pool.parallelFor(nItems * nParts, [&](int64_t task, int32_t) {
            const int64_t item = task / nParts, first = task % nParts * kPart;
            softcap(logits + item * s.vocab + first, std::min(kPart, s.vocab - first), s.logitSoftcap);
        });
    }
    if (!m_profiling) return;
    const int64_t took = monotonicNs() - start;
    m_times.matmulNs += took;
    m_times.otherNs -= took;
}

/// The threads share the rows: by itself one takes 3 % of a step over Gemma's 262,144 pieces.
void CpuBackend::findBest(const float* logits, int64_t nItems, const DecodeOutput& output) {
    const int64_t vocab = m_weights.shape.vocab, nRanges = (vocab + kLogitRange - 1) / kLogitRange;
    m_pool.parallelFor(nItems * nRanges, [&](int64_t task, int32_t) {
        const int64_t first = task % nRanges * kLogitRange;
        m_ranges[static_cast<size_t>(task)] =
            logitRange(logits + task / nRanges * vocab, first, std::min(kLogitRange, vocab - first));
    });
    for (size_t item = 0; item < static_cast<size_t>(nItems); ++item) {
        const auto n = static_cast<size_t>(nRanges);
        const BestLogit best = bestLogit({m_ranges.data() + item * n, n});
        if (item < output.argmax.size()) output.argmax[item] = best.index;
        if (item < output.argmaxLogprob.size()) output.argmaxLogprob[item] = best.logprob;
    }
}

}  // namespace spanscope::cpu
