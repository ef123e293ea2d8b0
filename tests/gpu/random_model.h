// Models of given shapes with random weights, for the groups of bench_cuda that time whole steps.
#pragma once

#include <memory>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/half.h"
#include "tests/gpu/bench.h"

namespace bench {

/// A model of a given shape with random BF16 weights; all layers share one layer's host memory (the device has copies).
struct RandomModel {
    ModelWeights weights;
    std::vector<std::vector<uint16_t>> matrices;
    std::vector<float> ones;
    TensorView matrix(int rows, int cols, check::Random& random) {
        matrices.emplace_back(static_cast<size_t>(rows) * static_cast<size_t>(cols));
        const float scale = 1.f / std::sqrt(static_cast<float>(cols));
        for (uint16_t& v : matrices.back())
            v = floatToBf16((static_cast<float>(random.next() >> 40) * 0x1p-23f - 1.f) * 1.7f * scale);
        TensorView t;
        t.data = matrices.back().data();
        t.dtype = DType::BF16;
        t.rows = rows;
        t.cols = cols;
        return t;
    }
    /// tied: the head is the embedding.
    RandomModel(int nLayers, int nHeads, int nKvHeads, int headDim, int hidden, int ffn, int vocab, bool tied = false) {
        check::Random random(42);
        ModelShape& s = weights.shape;
        s.nLayers = nLayers, s.nHeads = nHeads, s.nKvHeads = nKvHeads, s.headDim = headDim;
        s.hidden = hidden, s.ffn = ffn, s.vocab = vocab, s.maxSeqLen = 1 << 18;
        s.ropes.push_back(Rope::plain(10000, headDim));
        ones.assign(static_cast<size_t>(std::max(hidden, headDim)), 1.f);
        const TensorView norm = gain(hidden);
        weights.embedding = matrix(vocab, hidden, random);
        if (!tied) weights.head = matrix(vocab, hidden, random);
        weights.finalNorm = norm;
        LayerWeights w;
        w.attnNorm = w.mlpNorm = norm;
        w.q = matrix(nHeads * headDim, hidden, random);
        w.k = matrix(nKvHeads * headDim, hidden, random);
        w.v = matrix(nKvHeads * headDim, hidden, random);
        w.o = matrix(hidden, nHeads * headDim, random);
        w.gate = matrix(ffn, hidden, random);
        w.up = matrix(ffn, hidden, random);
        w.down = matrix(hidden, ffn, random);
        weights.layers.assign(static_cast<size_t>(nLayers), w);
    }
    TensorView gain(int n) const {
        TensorView t;
        t.data = ones.data();
        t.rows = 1;
        t.cols = n;
        return t;
    }
    void normaliseHeads() {
        weights.shape.qkNorm = QkNorm::PerHead;
        for (LayerWeights& w : weights.layers) w.qNorm = w.kNorm = gain(weights.shape.headDim);
    }
    /// What else Gemma 3 has: norms behind attention and MLP, GELU, and five layers with a window to one without.
    void makeGemma3(int window) {
        ModelShape& s = weights.shape;
        normaliseHeads();
        s.activation = Activation::GeluTanh;
        s.embeddingScale = std::sqrt(static_cast<float>(s.hidden));
        s.ropes.insert(s.ropes.begin(), Rope::plain(1e6, s.headDim));
        for (int l = 0; l < s.nLayers; ++l) {
            s.layerKinds.push_back(l % 6 == 5 ? LayerKind{0, 0} : LayerKind{1, window});
            LayerWeights& w = weights.layers[static_cast<size_t>(l)];
            w.postAttnNorm = w.postMlpNorm = gain(s.hidden);
        }
    }
    /// Tokens of the KV cache that a step loads, over all layers.
    double loadedOver(const std::vector<Interval>& list, int position) const {
        double n = 0;
        for (int l = 0; l < weights.shape.nLayers; ++l) {
            const int window = weights.shape.layerKind(l).window;
            std::vector<Interval> inside;
            for (Interval v : list) {
                if (window > 0) v.begin = std::max(v.begin, position - window + 1);
                if (v.begin < v.end) inside.push_back(v);
            }
            n += loadedTokens(inside.data(), static_cast<int32_t>(inside.size()), position);
        }
        return n;
    }
    double weightBytes() const {
        const ModelShape& s = weights.shape;
        double n = static_cast<double>(s.vocab) * s.hidden;
        n += static_cast<double>(s.nLayers) * ((s.nHeads + 2.0 * s.nKvHeads) * s.headDim * s.hidden +
                                               1.0 * s.nHeads * s.headDim * s.hidden + 3.0 * s.ffn * s.hidden);
        return 2 * n;
    }
};

inline std::unique_ptr<CudaBackend> load(const RandomModel& model, int maxBatch, int64_t kvTokens) {
    BackendOptions options;
    options.maxBatch = maxBatch;
    options.kvTokens = kvTokens;
    options.kvType = DType::BF16;
    auto made = CudaBackend::create(model.weights, options, {});
    if (!made.ok()) stop(made.error().toString());
    return std::move(made.value());
}

}  // namespace bench
