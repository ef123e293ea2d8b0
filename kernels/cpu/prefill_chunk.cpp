// One chunk of a prompt goes through all layers as matrices, feature-major (gemm.h). What a token computes does not
// depend on where chunks begin.
#include <algorithm>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rope_angles.h"

namespace spanscope::cpu {

namespace {

int64_t blocks(int64_t rows) { return (rows + kGemmRows - 1) / kGemmRows; }
const float* maybe(const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); }

}  // namespace

class CpuBackend::ChunkPass {
  public:
    ChunkPass(CpuBackend& backend, KvSequence& sequence, std::span<const int32_t> tokens)
        : m_cpu(backend),
          m_shape(backend.m_weights.shape),
          m_buffers(*backend.m_prefill),
          m_sequence(sequence),
          m_tokens(tokens),
          m_n(static_cast<int64_t>(tokens.size())),
          m_panels(nPanels(m_n)),
          m_start(sequence.stored),
          m_qkvRows(m_cpu.qRows() + 2 * m_cpu.kvRows()) {}

    void plan(int32_t firstIndex, std::span<const QueryRun> runs);
    void embed();
    void attention(int32_t l);
    void mlp(int32_t l);

  private:
    /// Queries that share a list, with the pages of that list.
    struct Tile {
        size_t firstPage, nPages;
        int32_t column, nQueries;  // chunk-relative
    };

    void begin() {
        if (m_cpu.m_profiling) m_mark = monotonicNs();
    }
    void end(int64_t& sum) {
        if (!m_cpu.m_profiling) return;
        const int64_t took = monotonicNs() - m_mark;
        sum += took;
        m_cpu.m_times.otherNs -= took;  // the caller adds the whole call
    }
    /// x normalised, or x itself where the model has no such norm.
    const float* normed(const std::vector<float>& gain);
    void project(const LayerWeights& w, const LayerVectors& v, const LayerAdapter* adapter, const float* in);
    void rotateAndStore(int32_t l, const LayerVectors& v);
    void attend(int32_t l);
    /// x += w in + bias; that product is normalised before it is added where the model has a norm there.
    void addProduct(const TensorView& w, const float* in, const std::vector<float>& bias, const LowRank* delta,
                    const std::vector<float>& gain);
    /// A x of an adapter's parts, times their scales: the values that products with B take.
    void lowRank(std::initializer_list<const LowRank*> parts, const float* in);
    /// Where those of a part begin.
    const float* lowRankOf(int64_t firstRank) const {
        return m_buffers.lowRank.data() + firstRank * m_buffers.maxTokens;
    }
    const LayerAdapter* adapterOf(int32_t l) const {
        const std::vector<LayerAdapter>& all = m_cpu.m_weights.adapters;
        return all.empty() ? nullptr : &all[static_cast<size_t>(l)];
    }

    CpuBackend& m_cpu;
    const ModelShape& m_shape;
    PrefillBuffers& m_buffers;
    KvSequence& m_sequence;
    std::span<const int32_t> m_tokens;
    const int64_t m_n;  // tokens
    const int64_t m_panels;
    const int32_t m_start;  // position of the first
    const int64_t m_qkvRows;
    std::vector<PageRef> m_pages;
    std::vector<Tile> m_tiles;
    int64_t m_mark = 0;
};

void CpuBackend::ChunkPass::plan(int32_t firstIndex, std::span<const QueryRun> runs) {
    const auto endIndex = firstIndex + static_cast<int32_t>(m_n);
    for (const QueryRun& run : runs) {
        const int32_t first = std::max(run.begin, firstIndex), last = std::min(run.end, endIndex);
        if (first >= last) continue;
        const int32_t lastQuery = m_start + (last - 1 - firstIndex);
        const size_t at = m_pages.size();
        m_pages.resize(at + static_cast<size_t>(lastQuery / kPageTokens) + 1);
        // Of the whole list: a window begins elsewhere for every query, and attention looks after it.
        const auto nRun =
            static_cast<size_t>(planPages(run.visible, lastQuery, 0, m_sequence.pages, m_pages.data() + at));
        m_pages.resize(at + nRun);
        for (int32_t q = first - firstIndex; q < last - firstIndex;) {
            const int32_t end = std::min(last - firstIndex, q / kTileQueries * kTileQueries + kTileQueries);
            m_tiles.push_back({at, nRun, q, end - q});
            q = end;
        }
    }
}

void CpuBackend::ChunkPass::embed() {
    const bool isLong = takesLongRope(m_shape, m_sequence.capacity);
    m_cpu.m_pool.parallelFor(m_panels, [&](int64_t p, int32_t) {
        std::vector<float> row(static_cast<size_t>(m_shape.hidden));
        float* x = m_buffers.x.data() + p * m_shape.hidden * kPanelTokens;
        const int64_t columns = panelColumns(m_n, p);
        for (int64_t c = 0; c < columns; ++c) {
            const int64_t t = p * kPanelTokens + c;
            if (t < m_n) m_cpu.embed(m_tokens[static_cast<size_t>(t)], row.data());
            else std::fill(row.begin(), row.end(), 0.0f);
            for (int32_t f = 0; f < m_shape.hidden; ++f) x[f * kPanelTokens + c] = row[static_cast<size_t>(f)];
            for (size_t r = 0; r < m_shape.ropes.size(); ++r) {
                const size_t at = pairsBefore(m_shape, r) * static_cast<size_t>(m_buffers.maxTokens) +
                                  static_cast<size_t>(p * kPanelTokens) * m_shape.ropes[r].invFreq.size() +
                                  static_cast<size_t>(c);
                ropeAngles(m_shape.ropes[r], isLong, m_start + static_cast<int32_t>(t), m_buffers.cosines.data() + at,
                           m_buffers.sines.data() + at, static_cast<size_t>(kPanelTokens));
            }
        }
    });
}

const float* CpuBackend::ChunkPass::normed(const std::vector<float>& gain) {
    if (gain.empty()) return m_buffers.x.data();
    m_cpu.m_pool.parallelFor(m_panels, [&](int64_t p, int32_t) {
        const int64_t at = p * m_shape.hidden * kPanelTokens;
        rmsNormPanel(m_buffers.x.data() + at, gain.data(), m_shape.hidden, m_shape.rmsEps, panelColumns(m_n, p),
                     m_buffers.normed.data() + at);
    });
    return m_buffers.normed.data();
}

void CpuBackend::ChunkPass::lowRank(std::initializer_list<const LowRank*> parts, const float* in) {
    const LowRank* const* all = parts.begin();
    m_cpu.m_pool.parallelFor(static_cast<int64_t>(parts.size()) * m_panels, [&](int64_t task, int32_t thread) {
        const LowRank& delta = *all[task / m_panels];
        if (!delta) return;
        int64_t first = 0;
        for (int64_t i = 0; i < task / m_panels; ++i) first += all[i]->a.rows;
        const int64_t p = task % m_panels, rank = delta.a.rows;
        const int64_t nTokens = std::min(kPanelTokens, m_n - p * kPanelTokens);
        float* out = m_buffers.lowRank.data() + first * m_buffers.maxTokens + p * rank * kPanelTokens;
        for (int64_t row = 0; row < rank; row += kGemmRows)
            gemmRows(delta.a, row, std::min(rank, row + kGemmRows), in + p * delta.a.cols * kPanelTokens, nTokens,
                     nullptr, Output::Store, out, 0, 0, m_buffers.scratch[static_cast<size_t>(thread)].data());
        for (int64_t i = 0; i < rank * kPanelTokens; ++i) out[i] *= delta.scale;
    });
}

void CpuBackend::ChunkPass::project(const LayerWeights& w, const LayerVectors& v, const LayerAdapter* adapter,
                                    const float* in) {
    if (adapter) lowRank({&adapter->q, &adapter->k, &adapter->v}, in);
    const int64_t qRows = m_cpu.qRows(), kvRows = m_cpu.kvRows();
    const int64_t qBlocks = blocks(qRows), kvBlocks = blocks(kvRows);
    m_cpu.m_pool.parallelFor(qBlocks + 2 * kvBlocks, [&](int64_t task, int32_t thread) {
        const int part = task < qBlocks ? 0 : task < qBlocks + kvBlocks ? 1 : 2;
        const TensorView& t = part == 0 ? w.q : part == 1 ? w.k : w.v;
        const int64_t firstRow = part == 0 ? 0 : qRows + (part - 1) * kvRows;
        const int64_t row = (task - (part == 0 ? 0 : qBlocks + (part - 1) * kvBlocks)) * kGemmRows;
        const int64_t last = std::min(t.rows, row + kGemmRows);
        const auto panelStride = static_cast<size_t>(m_qkvRows * kPanelTokens);
        float* scratch = m_buffers.scratch[static_cast<size_t>(thread)].data();
        gemmRows(t, row, last, in, m_n, v.qkvBias.empty() ? nullptr : v.qkvBias.data() + firstRow, Output::Store,
                 m_buffers.qkv.data(), panelStride, -firstRow, scratch);
        if (!adapter) return;
        const LowRank& delta = part == 0 ? adapter->q : part == 1 ? adapter->k : adapter->v;
        const int64_t firstRank = part == 0 ? 0 : adapter->q.a.rows + (part == 1 ? 0 : adapter->k.a.rows);
        if (delta)
            gemmRows(delta.b, row, last, lowRankOf(firstRank), m_n, nullptr, Output::Add, m_buffers.qkv.data(),
                     panelStride, -firstRow, scratch);
    });
}

void CpuBackend::ChunkPass::rotateAndStore(int32_t l, const LayerVectors& v) {
    const auto panel = [&](int64_t p, int64_t row) {
        return m_buffers.qkv.data() + (p * m_qkvRows + row) * kPanelTokens;
    };
    if (!v.qNorm.empty()) {
        const auto qSpan = static_cast<int64_t>(v.qNorm.size()), kSpan = static_cast<int64_t>(v.kNorm.size());
        const int64_t nQ = m_cpu.qRows() / qSpan, nNorms = nQ + m_cpu.kvRows() / kSpan;
        m_cpu.m_pool.parallelFor(m_panels * nNorms, [&](int64_t task, int32_t) {
            const int64_t p = task / nNorms, i = task % nNorms;
            float* x = i < nQ ? panel(p, i * qSpan) : panel(p, m_cpu.qRows() + (i - nQ) * kSpan);
            const std::vector<float>& gain = i < nQ ? v.qNorm : v.kNorm;
            rmsNormPanel(x, gain.data(), static_cast<int64_t>(gain.size()), m_shape.rmsEps, panelColumns(m_n, p), x);
        });
    }
    // Rotate by head, then append by token: two sections, since a page holds all dims of 16 tokens.
    const int32_t rope = m_shape.layerKind(l).rope;
    const RopePairs pairs{m_shape.headDim, static_cast<int64_t>(rotatedPairs(m_shape, rope)), m_shape.ropeInterleaved};
    const size_t ropeBegin =
        rope < 0 ? 0 : pairsBefore(m_shape, static_cast<size_t>(rope)) * static_cast<size_t>(m_buffers.maxTokens);
    const float scale = attentionScaleOf(m_shape);
    m_cpu.m_pool.parallelFor(m_panels * (m_shape.nHeads + m_shape.nKvHeads), [&](int64_t task, int32_t) {
        const int64_t p = task / (m_shape.nHeads + m_shape.nKvHeads), h = task % (m_shape.nHeads + m_shape.nKvHeads);
        const size_t angles = ropeBegin + static_cast<size_t>(p * pairs.nPairs * kPanelTokens);
        ropePanel(panel(p, h * m_shape.headDim), pairs, m_buffers.cosines.data() + angles,
                  m_buffers.sines.data() + angles, h < m_shape.nHeads ? scale : 1.0f, panelColumns(m_n, p));
    });
    m_cpu.m_pool.parallelFor(m_panels, [&](int64_t p, int32_t) {
        const int64_t last = std::min(m_n, (p + 1) * kPanelTokens);
        for (int64_t t = p * kPanelTokens; t < last; ++t) {
            const float* k = panel(p, m_cpu.qRows()) + t % kPanelTokens;
            m_cpu.m_cache->store(l, m_sequence, m_start + static_cast<int32_t>(t), k, k + m_cpu.kvRows() * kPanelTokens,
                                 static_cast<size_t>(kPanelTokens));
        }
    });
}

void CpuBackend::ChunkPass::attend(int32_t l) {
    const int32_t window = m_shape.layerKind(l).window;
    m_cpu.m_pool.parallelFor(static_cast<int64_t>(m_tiles.size()) * m_shape.nHeads, [&](int64_t task, int32_t thread) {
        const auto h = static_cast<int32_t>(task % m_shape.nHeads);
        // Long tiles last in a causal run: take them first, so that threads end together.
        const Tile& tile = m_tiles[m_tiles.size() - 1 - static_cast<size_t>(task / m_shape.nHeads)];
        const int64_t p = tile.column / kPanelTokens, c = tile.column % kPanelTokens;
        PrefillTile t;
        t.cache = m_cpu.m_cache.get();
        t.layer = l;
        t.kvHead = h / (m_shape.nHeads / m_shape.nKvHeads);
        t.pages = {m_pages.data() + tile.firstPage, tile.nPages};
        t.window = window;
        t.q = m_buffers.qkv.data() + (p * m_qkvRows + h * m_shape.headDim) * kPanelTokens + c;
        t.nQueries = tile.nQueries;
        t.firstPosition = m_start + tile.column;
        t.headDim = m_shape.headDim;
        t.softcap = m_shape.attentionSoftcap;
        t.out = m_buffers.mixed.data() + (p * m_cpu.qRows() + h * m_shape.headDim) * kPanelTokens + c;
        t.scratch = m_buffers.scratch[static_cast<size_t>(thread)].data();
        attendTile(t);
    });
}

void CpuBackend::ChunkPass::addProduct(const TensorView& w, const float* in, const std::vector<float>& bias,
                                       const LowRank* delta, const std::vector<float>& gain) {
    const bool adapted = delta && *delta;
    if (adapted) lowRank({delta}, in);
    const Output mode = gain.empty() ? Output::Add : Output::Store;
    float* out = gain.empty() ? m_buffers.x.data() : m_buffers.normed.data();
    m_cpu.m_pool.parallelFor(blocks(m_shape.hidden), [&](int64_t task, int32_t thread) {
        const int64_t row = task * kGemmRows, last = std::min<int64_t>(m_shape.hidden, row + kGemmRows);
        const auto panelStride = static_cast<size_t>(m_shape.hidden * kPanelTokens);
        float* scratch = m_buffers.scratch[static_cast<size_t>(thread)].data();
        gemmRows(w, row, last, in, m_n, maybe(bias), mode, out, panelStride, 0, scratch);
        if (adapted)
            gemmRows(delta->b, row, last, lowRankOf(0), m_n, nullptr, Output::Add, out, panelStride, 0, scratch);
    });
    if (gain.empty()) return;
    m_cpu.m_pool.parallelFor(m_panels, [&](int64_t p, int32_t) {
        const int64_t at = p * m_shape.hidden * kPanelTokens;
        rmsNormAddPanel(m_buffers.normed.data() + at, gain.data(), m_shape.hidden, m_shape.rmsEps, panelColumns(m_n, p),
                        m_buffers.x.data() + at);
    });
}

void CpuBackend::ChunkPass::attention(int32_t l) {
    const LayerWeights& w = m_cpu.m_weights.layers[static_cast<size_t>(l)];
    const LayerVectors& v = m_cpu.m_vectors[static_cast<size_t>(l)];
    const LayerAdapter* adapter = adapterOf(l);
    const float* in = normed(v.attnNorm);
    begin();
    project(w, v, adapter, in);
    end(m_cpu.m_times.matmulNs);
    rotateAndStore(l, v);
    begin();
    attend(l);
    end(m_cpu.m_times.attentionNs);
    begin();
    addProduct(w.o, m_buffers.mixed.data(), v.oBias, adapter ? &adapter->o : nullptr, v.postAttnNorm);
    end(m_cpu.m_times.matmulNs);
}

void CpuBackend::ChunkPass::mlp(int32_t l) {
    const LayerWeights& w = m_cpu.m_weights.layers[static_cast<size_t>(l)];
    const LayerVectors& v = m_cpu.m_vectors[static_cast<size_t>(l)];
    const auto activate = m_shape.activation == Activation::Silu ? siluMul : geluTanhMul;
    const LayerAdapter* adapter = adapterOf(l);
    const float* in = normed(v.mlpNorm);
    begin();
    if (adapter) lowRank({&adapter->gate, &adapter->up}, in);
    m_cpu.m_pool.parallelFor(blocks(m_shape.ffn), [&](int64_t task, int32_t thread) {
        const int64_t row = task * kGemmRows, last = std::min<int64_t>(m_shape.ffn, row + kGemmRows);
        float* scratch = m_buffers.scratch[static_cast<size_t>(thread)].data();
        float* up = scratch + kGemmScratch;
        gemmRows(w.gate, row, last, in, m_n, maybe(v.gateBias), Output::Store, m_buffers.gate.data(),
                 static_cast<size_t>(m_shape.ffn * kPanelTokens), 0, scratch);
        gemmRows(w.up, row, last, in, m_n, maybe(v.upBias), Output::Store, up,
                 static_cast<size_t>(kGemmRows * kPanelTokens), row, scratch);
        if (adapter && adapter->gate)
            gemmRows(adapter->gate.b, row, last, lowRankOf(0), m_n, nullptr, Output::Add, m_buffers.gate.data(),
                     static_cast<size_t>(m_shape.ffn * kPanelTokens), 0, scratch);
        if (adapter && adapter->up)
            gemmRows(adapter->up.b, row, last, lowRankOf(adapter->gate.a.rows), m_n, nullptr, Output::Add, up,
                     static_cast<size_t>(kGemmRows * kPanelTokens), row, scratch);
        for (int64_t p = 0; p < m_panels; ++p)
            activate(m_buffers.gate.data() + (p * m_shape.ffn + row) * kPanelTokens, up + p * kGemmRows * kPanelTokens,
                     (last - row) * kPanelTokens);
    });
    addProduct(w.down, m_buffers.gate.data(), v.downBias, adapter ? &adapter->down : nullptr, v.postMlpNorm);
    end(m_cpu.m_times.matmulNs);
}

void CpuBackend::prefillChunk(KvSequence& sequence, std::span<const int32_t> tokens, int32_t firstIndex,
                              std::span<const QueryRun> runs) {
    ChunkPass pass(*this, sequence, tokens);
    pass.plan(firstIndex, runs);
    pass.embed();
    for (int32_t l = 0; l < m_weights.shape.nLayers; ++l) {
        pass.attention(l);
        pass.mlp(l);
    }
}

}  // namespace spanscope::cpu
