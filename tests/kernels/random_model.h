// Small models with seeded random weights in any format, with their memory.
#pragma once

#include <cmath>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include "kernels/backend.h"
#include "kernels/drawn_blocks.h"
#include "kernels/half.h"
#include "kernels/model_tensors.h"

namespace spanscope::test {

struct RandomModelOptions {
    int32_t nLayers = 2, nHeads = 4, nKvHeads = 4, headDim = 16, hidden = 48, ffn = 80, vocab = 37;
    DType type = DType::F32;
    bool biases = false;
    bool tied = false;
    bool interleaved = false;
    uint32_t seed = 1;
    // What families differ in (kernels/backend.h); the defaults are Llama's.
    bool preNorms = true, postNorms = false;
    Activation activation = Activation::Silu;
    QkNorm qkNorm = QkNorm::None;
    std::vector<Rope> ropes = {};  ///< none: one, of whole heads
    int32_t longRopeAbove = 0;
    std::vector<LayerKind> layerKinds = {};
    float embeddingScale = 1, attentionScale = 0, attentionSoftcap = 0, logitSoftcap = 0;
    // An adapter: kAdaptedMatrices[i] has rank adapterRank + i * adapterRankStep if bit i of `adapted` is set.
    int32_t adapterRank = 0;
    int32_t adapterRankStep = 1;
    uint32_t adapted = 0x7f;
    DType adapterType = DType::F32;
    std::vector<int32_t> replacedRows = {};  ///< of the embedding, and of the head
};

class RandomModel {
  public:
    explicit RandomModel(const RandomModelOptions& o) : m_random(o.seed) {
        ModelShape& s = weights.shape;
        s.nLayers = o.nLayers;
        s.nHeads = o.nHeads;
        s.nKvHeads = o.nKvHeads;
        s.headDim = o.headDim;
        s.hidden = o.hidden;
        s.ffn = o.ffn;
        s.vocab = o.vocab;
        s.maxSeqLen = 1 << 15;
        s.ropeInterleaved = o.interleaved;
        s.ropes = o.ropes;
        if (s.ropes.empty()) s.ropes.push_back(Rope::plain(10000, o.headDim));
        s.longRopeAbove = o.longRopeAbove;
        s.layerKinds = o.layerKinds;
        s.activation = o.activation;
        s.qkNorm = o.qkNorm;
        s.embeddingScale = o.embeddingScale;
        s.attentionScale = o.attentionScale;
        s.attentionSoftcap = o.attentionSoftcap;
        s.logitSoftcap = o.logitSoftcap;
        const int64_t nQ = int64_t{o.nHeads} * o.headDim, nKv = int64_t{o.nKvHeads} * o.headDim;
        weights.embedding = matrix(o.type, o.vocab, o.hidden, 1.0f);
        weights.finalNorm = gain(o.hidden);
        if (!o.tied) weights.head = matrix(o.type, o.vocab, o.hidden);
        for (int32_t l = 0; l < o.nLayers; ++l) {
            LayerWeights w;
            if (o.preNorms) w.attnNorm = gain(o.hidden);
            w.q = matrix(o.type, nQ, o.hidden, 2.0f);
            w.k = matrix(o.type, nKv, o.hidden, 2.0f);
            w.v = matrix(o.type, nKv, o.hidden);
            w.o = matrix(o.type, o.hidden, nQ);
            if (o.preNorms) w.mlpNorm = gain(o.hidden);
            w.gate = matrix(o.type, o.ffn, o.hidden);
            w.up = matrix(o.type, o.ffn, o.hidden);
            w.down = matrix(o.type, o.hidden, o.ffn);
            if (o.biases) {
                w.qBias = bias(nQ);
                w.kBias = bias(nKv);
                w.vBias = bias(nKv);
                w.oBias = bias(o.hidden);
                w.gateBias = bias(o.ffn);
                w.upBias = bias(o.ffn);
                w.downBias = bias(o.hidden);
            }
            if (o.qkNorm != QkNorm::None) {
                w.qNorm = gain(extentOf(Extent::QueryNorm, s));
                w.kNorm = gain(extentOf(Extent::KeyNorm, s));
            }
            if (o.postNorms) {
                w.postAttnNorm = gain(o.hidden);
                w.postMlpNorm = gain(o.hidden);
            }
            weights.layers.push_back(w);
        }
        if (o.adapterRank > 0) addAdapter(o);
        if (o.replacedRows.empty()) return;
        const auto nReplaced = static_cast<int64_t>(o.replacedRows.size());
        weights.embeddingRows = {o.replacedRows, matrix(o.adapterType, nReplaced, o.hidden, 1.0f)};
        weights.headRows = {o.replacedRows,
                            o.tied ? weights.embeddingRows.rows : matrix(o.adapterType, nReplaced, o.hidden)};
    }
    RandomModel(const RandomModel&) = delete;
    RandomModel& operator=(const RandomModel&) = delete;

    ModelWeights weights;

    std::vector<int32_t> tokens(int32_t n) {
        std::vector<int32_t> t(static_cast<size_t>(n));
        for (int32_t& v : t) v = static_cast<int32_t>(m_random() % static_cast<uint32_t>(weights.shape.vocab));
        return t;
    }

    /// Values of about unit row sums times `size`.
    TensorView matrix(DType type, int64_t rows, int64_t cols, float size = 1.0f) {
        const float spread = size / std::sqrt(static_cast<float>(cols));
        const size_t bytes = static_cast<size_t>(rows) * rowBytes(type, cols);
        std::vector<uint8_t>& memory = m_memory.emplace_back(bytes);
        std::normal_distribution<float> normal(0.0f, spread);
        const auto values = static_cast<size_t>(rows * cols);
        if (!isBlocked(type)) {
            for (size_t i = 0; i < values; ++i) {
                const float v = normal(m_random);
                const uint16_t h = type == DType::F16 ? floatToF16(v) : floatToBf16(v);
                if (type == DType::F32) std::memcpy(memory.data() + 4 * i, &v, 4);
                else std::memcpy(memory.data() + 2 * i, &h, 2);
            }
        } else {
            drawBlocks(type, memory.data(), bytes, spread, [&] { return uint64_t{m_random()} << 32 | m_random(); });
        }
        return {memory.data(), type, rows, cols};
    }

  private:
    void addAdapter(const RandomModelOptions& o) {
        for (const LayerWeights& w : weights.layers) {
            LayerAdapter& adapter = weights.adapters.emplace_back();
            for (size_t i = 0; i < kAdaptedMatrices.size(); ++i) {
                if (!(o.adapted >> i & 1)) continue;
                const TensorView& t = w.*kAdaptedMatrices[i].matrix;
                const int64_t rank = o.adapterRank + static_cast<int64_t>(i) * o.adapterRankStep;
                adapter.*kAdaptedMatrices[i].delta = {matrix(o.adapterType, rank, t.cols),
                                                      matrix(o.adapterType, t.rows, rank),
                                                      0.8f + 0.1f * static_cast<float>(i)};
            }
        }
    }
    TensorView gain(int64_t n) {
        TensorView t = matrix(DType::F32, 1, n, 0.3f * std::sqrt(static_cast<float>(n)));
        auto* v = reinterpret_cast<float*>(m_memory.back().data());
        for (int64_t i = 0; i < n; ++i) v[i] += 1.0f;
        return t;
    }
    TensorView bias(int64_t n) { return matrix(DType::F32, 1, n, 0.2f * std::sqrt(static_cast<float>(n))); }

    std::mt19937 m_random;
    std::deque<std::vector<uint8_t>> m_memory;  // addresses stay
};

/// Largest difference relative to the largest value of the reference row.
inline double relativeError(const std::vector<float>& got, const std::vector<float>& want) {
    if (got.size() != want.size()) return INFINITY;
    double largest = 0, difference = 0;
    for (size_t i = 0; i < got.size(); ++i) {
        if (!std::isfinite(got[i])) return INFINITY;
        largest = std::max(largest, std::abs(static_cast<double>(want[i])));
        difference = std::max(difference, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    }
    return largest == 0 ? difference : difference / largest;
}

}  // namespace spanscope::test
