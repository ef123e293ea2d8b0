// Prefill: chunks of a prompt (workspace.h says how long) go through all layers as matrices, feature-major (gemm.h).
// What a token computes does not depend on where chunks begin.
#include <algorithm>
#include <cmath>
#include <new>
#include <string>

#include "kernels/checks.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/workspace.h"

namespace spanscope::cpu {

struct CpuBackend::PrefillBuffers {
    int64_t maxTokens = 0;
    // (panels, features, 64) each
    LineVector<float> x, normed, qkv, mixed, gate;
    LineVector<float> cosines, sines;        // (panels, headDim / 2, 64)
    std::vector<LineVector<float>> scratch;  // per thread: widened rows, then the up rows of a block, or attention
    size_t nBytes() const {
        size_t n = x.size() + normed.size() + qkv.size() + mixed.size() + gate.size() + cosines.size() + sines.size();
        for (const auto& v : scratch) n += v.size();
        return n * sizeof(float);
    }
};

void CpuBackend::PrefillDeleter::operator()(PrefillBuffers* b) const { delete b; }

size_t CpuBackend::prefillBytes() const { return m_prefill ? m_prefill->nBytes() : 0; }

CpuBackend::PrefillBuffers& CpuBackend::prefillBuffers(int64_t nTokens) {
    const ModelShape& s = m_weights.shape;
    const int64_t wanted = std::min(maxPrefillTokens(s), nPanels(nTokens) * kPanelTokens);
    if (m_prefill && m_prefill->maxTokens >= wanted) return *m_prefill;
    m_prefill.reset(new PrefillBuffers);
    PrefillBuffers& b = *m_prefill;
    b.maxTokens = wanted;
    const auto t = static_cast<size_t>(wanted);
    // Four floats more: the last tile of queries may look past its columns (attention.h).
    b.x.assign(t * static_cast<size_t>(s.hidden), 0.0f);
    b.normed.assign(b.x.size(), 0.0f);
    b.qkv.assign(t * static_cast<size_t>(qRows() + 2 * kvRows()) + 4, 0.0f);
    b.mixed.assign(t * static_cast<size_t>(qRows()), 0.0f);
    b.gate.assign(t * static_cast<size_t>(s.ffn), 0.0f);
    b.cosines.assign(t * static_cast<size_t>(s.headDim / 2), 0.0f);
    b.sines.assign(b.cosines.size(), 0.0f);
    b.scratch.resize(static_cast<size_t>(m_pool.nThreads()));
    for (auto& v : b.scratch)
        v.resize(std::max(kGemmScratch + static_cast<size_t>(kGemmRows) * t, prefillScratch(s.headDim)));
    return b;
}

void CpuBackend::prefillChunk(KvSequence& sequence, std::span<const int32_t> tokens, int32_t firstIndex,
                              std::span<const QueryRun> runs) {
    PrefillBuffers& b = *m_prefill;
    const ModelShape& s = m_weights.shape;
    const auto n = static_cast<int64_t>(tokens.size());
    const int64_t panels = nPanels(n);
    const int32_t start = sequence.stored;
    const int32_t half = s.headDim / 2;
    const int64_t qkvRows = qRows() + 2 * kvRows();
    const float scale = 1.0f / std::sqrt(static_cast<float>(s.headDim));

    // Tiles of queries that share a list, with the pages of that list.
    struct Tile {
        size_t firstPage, nPages;
        int32_t column, nQueries;  // chunk-relative
    };
    std::vector<PageRef> pages;
    std::vector<Tile> tiles;
    const auto endIndex = firstIndex + static_cast<int32_t>(n);
    for (const QueryRun& run : runs) {
        const int32_t first = std::max(run.begin, firstIndex), last = std::min(run.end, endIndex);
        if (first >= last) continue;
        const int32_t lastQuery = start + (last - 1 - firstIndex);
        const size_t at = pages.size();
        pages.resize(at + static_cast<size_t>(lastQuery / kPageTokens) + 1);
        const auto nRun = static_cast<size_t>(planPages(run.visible, lastQuery, sequence.pages, pages.data() + at));
        pages.resize(at + nRun);
        for (int32_t q = first - firstIndex; q < last - firstIndex;) {
            const int32_t end = std::min(last - firstIndex, q / kTileQueries * kTileQueries + kTileQueries);
            tiles.push_back({at, nRun, q, end - q});
            q = end;
        }
    }

    int64_t mark = 0;
    const auto begin = [&] {
        if (m_profiling) mark = monotonicNs();
    };
    const auto end = [&](int64_t& sum) {
        if (!m_profiling) return;
        const int64_t took = monotonicNs() - mark;
        sum += took;
        m_times.otherNs -= took;  // the caller adds the whole call
    };

    m_pool.parallelFor(panels, [&](int64_t p, int32_t) {
        std::vector<float> row(static_cast<size_t>(s.hidden));
        float* x = b.x.data() + p * s.hidden * kPanelTokens;
        const int64_t columns = panelColumns(n, p);
        for (int64_t c = 0; c < columns; ++c) {
            const int64_t t = p * kPanelTokens + c;
            if (t < n) embed(tokens[static_cast<size_t>(t)], row.data());
            else std::fill(row.begin(), row.end(), 0.0f);
            for (int32_t f = 0; f < s.hidden; ++f) x[f * kPanelTokens + c] = row[static_cast<size_t>(f)];
            for (int32_t f = 0; f < half; ++f) {
                const double angle =
                    static_cast<double>(start + t) * static_cast<double>(s.ropes[0].invFreq[static_cast<size_t>(f)]);
                b.cosines[static_cast<size_t>((p * half + f) * kPanelTokens + c)] = static_cast<float>(std::cos(angle));
                b.sines[static_cast<size_t>((p * half + f) * kPanelTokens + c)] = static_cast<float>(std::sin(angle));
            }
        }
    });
    const auto norm = [&](const std::vector<float>& gain) {
        m_pool.parallelFor(panels, [&](int64_t p, int32_t) {
            const int64_t at = p * s.hidden * kPanelTokens;
            rmsNormPanel(b.x.data() + at, gain.data(), s.hidden, s.rmsEps, panelColumns(n, p), b.normed.data() + at);
        });
    };
    const auto blocks = [](int64_t rows) { return (rows + kGemmRows - 1) / kGemmRows; };
    const auto maybe = [](const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); };

    for (int32_t l = 0; l < s.nLayers; ++l) {
        const LayerWeights& w = m_weights.layers[static_cast<size_t>(l)];
        const LayerVectors& v = m_vectors[static_cast<size_t>(l)];
        norm(v.attnNorm);

        begin();
        const int64_t qBlocks = blocks(qRows()), kvBlocks = blocks(kvRows());
        m_pool.parallelFor(qBlocks + 2 * kvBlocks, [&](int64_t task, int32_t thread) {
            const int part = task < qBlocks ? 0 : task < qBlocks + kvBlocks ? 1 : 2;
            const TensorView& t = part == 0 ? w.q : part == 1 ? w.k : w.v;
            const int64_t firstRow = part == 0 ? 0 : qRows() + (part - 1) * kvRows();
            const int64_t row = (task - (part == 0 ? 0 : qBlocks + (part - 1) * kvBlocks)) * kGemmRows;
            gemmRows(t, row, std::min(t.rows, row + kGemmRows), b.normed.data(), n,
                     v.qkvBias.empty() ? nullptr : v.qkvBias.data() + firstRow, Output::Store, b.qkv.data(),
                     static_cast<size_t>(qkvRows * kPanelTokens), -firstRow,
                     b.scratch[static_cast<size_t>(thread)].data());
        });
        end(m_times.matmulNs);

        // Rotate by head, then append by token: two sections, since a page holds all dims of 16 tokens.
        m_pool.parallelFor(panels * (s.nHeads + s.nKvHeads), [&](int64_t task, int32_t) {
            const int64_t p = task / (s.nHeads + s.nKvHeads), h = task % (s.nHeads + s.nKvHeads);
            const int64_t angles = p * half * kPanelTokens;
            ropePanel(b.qkv.data() + (p * qkvRows + h * s.headDim) * kPanelTokens, s.headDim, s.ropeInterleaved,
                      b.cosines.data() + angles, b.sines.data() + angles, h < s.nHeads ? scale : 1.0f,
                      panelColumns(n, p));
        });
        m_pool.parallelFor(panels, [&](int64_t p, int32_t) {
            const int64_t last = std::min(n, (p + 1) * kPanelTokens);
            for (int64_t t = p * kPanelTokens; t < last; ++t) {
                const float* k = b.qkv.data() + (p * qkvRows + qRows()) * kPanelTokens + t % kPanelTokens;
                m_cache->store(l, sequence, start + static_cast<int32_t>(t), k, k + kvRows() * kPanelTokens,
                               static_cast<size_t>(kPanelTokens));
            }
        });

        begin();
        m_pool.parallelFor(static_cast<int64_t>(tiles.size()) * s.nHeads, [&](int64_t task, int32_t thread) {
            const auto h = static_cast<int32_t>(task % s.nHeads);
            // Long tiles last in a causal run: take them first, so that threads end together.
            const Tile& tile = tiles[tiles.size() - 1 - static_cast<size_t>(task / s.nHeads)];
            const int64_t p = tile.column / kPanelTokens, c = tile.column % kPanelTokens;
            PrefillTile t;
            t.cache = m_cache.get();
            t.layer = l;
            t.kvHead = h / (s.nHeads / s.nKvHeads);
            t.pages = {pages.data() + tile.firstPage, tile.nPages};
            t.q = b.qkv.data() + (p * qkvRows + h * s.headDim) * kPanelTokens + c;
            t.nQueries = tile.nQueries;
            t.firstPosition = start + tile.column;
            t.headDim = s.headDim;
            t.out = b.mixed.data() + (p * qRows() + h * s.headDim) * kPanelTokens + c;
            t.scratch = b.scratch[static_cast<size_t>(thread)].data();
            attendTile(t);
        });
        end(m_times.attentionNs);

        begin();
        m_pool.parallelFor(blocks(s.hidden), [&](int64_t task, int32_t thread) {
            const int64_t row = task * kGemmRows;
            gemmRows(w.o, row, std::min<int64_t>(s.hidden, row + kGemmRows), b.mixed.data(), n, maybe(v.oBias),
                     Output::Add, b.x.data(), static_cast<size_t>(s.hidden * kPanelTokens), 0,
                     b.scratch[static_cast<size_t>(thread)].data());
        });
        end(m_times.matmulNs);

        norm(v.mlpNorm);
        begin();
        m_pool.parallelFor(blocks(s.ffn), [&](int64_t task, int32_t thread) {
            const int64_t row = task * kGemmRows, last = std::min<int64_t>(s.ffn, row + kGemmRows);
            float* scratch = b.scratch[static_cast<size_t>(thread)].data();
            float* up = scratch + kGemmScratch;
            gemmRows(w.gate, row, last, b.normed.data(), n, maybe(v.gateBias), Output::Store, b.gate.data(),
                     static_cast<size_t>(s.ffn * kPanelTokens), 0, scratch);
            gemmRows(w.up, row, last, b.normed.data(), n, maybe(v.upBias), Output::Store, up,
                     static_cast<size_t>(kGemmRows * kPanelTokens), row, scratch);
            for (int64_t p = 0; p < panels; ++p)
                siluMul(b.gate.data() + (p * s.ffn + row) * kPanelTokens, up + p * kGemmRows * kPanelTokens,
                        (last - row) * kPanelTokens);
        });
        m_pool.parallelFor(blocks(s.hidden), [&](int64_t task, int32_t thread) {
            const int64_t row = task * kGemmRows;
            gemmRows(w.down, row, std::min<int64_t>(s.hidden, row + kGemmRows), b.gate.data(), n, maybe(v.downBias),
                     Output::Add, b.x.data(), static_cast<size_t>(s.hidden * kPanelTokens), 0,
                     b.scratch[static_cast<size_t>(thread)].data());
        });
        end(m_times.matmulNs);
    }
}

Status CpuBackend::prefill(SequenceId id, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                           std::span<float> maybeLogits) {
    const int64_t startNs = monotonicNs();
    KvSequence* s = m_cache->find(id);
    if (!s) return invalidArgument("unknown sequence", std::to_string(id.value));
    if (tokens.empty()) return invalidArgument("prefill of no tokens");
    if (tokens.size() > static_cast<size_t>(s->capacity - s->stored))
        return invalidArgument("sequence is full", std::to_string(s->stored) + " and " + std::to_string(tokens.size()),
                               "at most " + std::to_string(s->capacity));
    const auto n = static_cast<int32_t>(tokens.size());
    if (Status st = checkTokens(tokens, m_weights.shape.vocab); !st) return st;
    if (Status st = checkRuns(runs, n); !st) return st;
    const auto vocab = static_cast<size_t>(m_weights.shape.vocab);
    const bool all = n > 1 && maybeLogits.size() == vocab * tokens.size();
    if (!maybeLogits.empty() && !all && maybeLogits.size() != vocab)
        return invalidArgument("size of the logits", std::to_string(maybeLogits.size()),
                               std::to_string(vocab) + " or " + std::to_string(vocab * tokens.size()));
    try {
        prefillBuffers(n);
    } catch (const std::bad_alloc&) {
        m_prefill.reset();
        Error e = invalidArgument("no memory for the prefill's activations");
        e.code = ErrorCode::OutOfMemory;
        return e;
    }
    const PrefillBuffers& b = *m_prefill;
    const int32_t hidden = m_weights.shape.hidden;
    for (int32_t first = 0; first < n; first += static_cast<int32_t>(b.maxTokens)) {
        const auto count = std::min(n - first, static_cast<int32_t>(b.maxTokens));
        prefillChunk(*s, tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(count)), first, runs);
        s->stored += count;
        for (int32_t t = all ? 0 : n - 1 - first; t < count && !maybeLogits.empty(); ++t) {
            const float* column = b.x.data() + t / kPanelTokens * hidden * kPanelTokens + t % kPanelTokens;
            for (int32_t f = 0; f < hidden; ++f) m_x[static_cast<size_t>(f)] = column[f * kPanelTokens];
            logitsOf(1, maybeLogits.data() + (all ? static_cast<size_t>(first + t) * vocab : 0));
        }
    }
    m_lastNs = monotonicNs() - startNs;
    if (m_profiling) m_times.otherNs += m_lastNs;
    return {};
}

}  // namespace spanscope::cpu
