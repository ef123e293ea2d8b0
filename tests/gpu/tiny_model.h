// Tiny models with random weights, with everything in which model families differ.
#pragma once

#include "kernels/backend.h"
#include "kernels/drawn_blocks.h"
#include "kernels/half.h"
#include "kernels/model_tensors.h"
#include "tests/gpu/check.h"

namespace check {

using namespace spanscope;

/// What a model has beside Llama's; defaults: nothing.
struct Features {
    QkNorm qkNorm = QkNorm::None;
    Activation activation = Activation::Silu;
    bool preNorms = true, postNorms = false;
    float embeddingScale = 1, attentionScale = 0, attentionSoftcap = 0, logitSoftcap = 0;
    std::vector<Rope> ropes;  ///< empty: one of base 10,000 over the whole head
    int32_t longRopeAbove = 0;
    std::vector<LayerKind> layerKinds;
    int32_t adapterRank = 0;  ///< 0: no adapter
    DType adapterType = DType::F32;
    std::vector<int32_t> replacedRows;  ///< of the embedding and of the head
};

struct TinyModel {
    ModelWeights weights;
    std::vector<std::vector<char>> storage;
    std::vector<std::vector<float>> vectors;

    TensorView matrix(int rows, int cols, DType type, float scale, Random& random) {
        const size_t n = static_cast<size_t>(rows) * static_cast<size_t>(cols);
        std::vector<char> bytes(rowBytes(type, cols) * static_cast<size_t>(rows));
        if (isBlocked(type))
            drawBlocks(type, reinterpret_cast<uint8_t*>(bytes.data()), bytes.size(), scale,
                       [&] { return random.next(); });
        else
            for (size_t i = 0; i < n; ++i) {
                const float v = random.normal() * scale;
                if (type == DType::F32) std::memcpy(bytes.data() + i * 4, &v, 4);
                else {
                    const uint16_t bits = type == DType::F16 ? floatToF16(v) : floatToBf16(v);
                    std::memcpy(bytes.data() + i * 2, &bits, 2);
                }
            }
        storage.push_back(std::move(bytes));
        TensorView t;
        t.data = storage.back().data();
        t.dtype = type;
        t.rows = rows;
        t.cols = cols;
        return t;
    }
    TinyModel(int nLayers, int nHeads, int nKvHeads, int headDim, int hidden, int ffn, int vocab, DType type,
              bool biased, bool interleaved, bool tied, uint64_t seed, const Features& features = {}) {
        Random random(seed);
        ModelShape& s = weights.shape;
        s.nLayers = nLayers;
        s.nHeads = nHeads;
        s.nKvHeads = nKvHeads;
        s.headDim = headDim;
        s.hidden = hidden;
        s.ffn = ffn;
        s.vocab = vocab;
        s.maxSeqLen = 4096;
        s.ropeInterleaved = interleaved;
        s.ropes = features.ropes;
        if (s.ropes.empty()) s.ropes.push_back(Rope::plain(10000, headDim));
        s.longRopeAbove = features.longRopeAbove;
        s.layerKinds = features.layerKinds;
        s.activation = features.activation;
        s.qkNorm = features.qkNorm;
        s.embeddingScale = features.embeddingScale;
        s.attentionScale = features.attentionScale;
        s.attentionSoftcap = features.attentionSoftcap;
        s.logitSoftcap = features.logitSoftcap;
        const float wide = 1.f / std::sqrt(static_cast<float>(hidden));
        weights.embedding = matrix(vocab, hidden, type, 1.f / features.embeddingScale, random);  // layers must tell
        if (!tied) weights.head = matrix(vocab, hidden, type, wide, random);
        weights.finalNorm = matrix(1, hidden, DType::F32, 1.f, random);
        for (int l = 0; l < nLayers; ++l) {
            LayerWeights w;
            if (features.preNorms) {
                w.attnNorm = matrix(1, hidden, DType::F32, 1.f, random);
                w.mlpNorm = matrix(1, hidden, DType::F32, 1.f, random);
            }
            if (features.postNorms) {
                w.postAttnNorm = matrix(1, hidden, DType::F32, 1.f, random);
                w.postMlpNorm = matrix(1, hidden, DType::F32, 1.f, random);
            }
            if (s.qkNorm != QkNorm::None) {
                const bool whole = s.qkNorm == QkNorm::WholeRow;
                w.qNorm = matrix(1, (whole ? nHeads : 1) * headDim, DType::F32, 1.f, random);
                w.kNorm = matrix(1, (whole ? nKvHeads : 1) * headDim, DType::F32, 1.f, random);
            }
            w.q = matrix(nHeads * headDim, hidden, type, wide, random);
            w.k = matrix(nKvHeads * headDim, hidden, type, wide, random);
            w.v = matrix(nKvHeads * headDim, hidden, type, wide, random);
            w.o = matrix(hidden, nHeads * headDim, type, 1.f / std::sqrt(static_cast<float>(nHeads * headDim)), random);
            w.gate = matrix(ffn, hidden, type, wide, random);
            w.up = matrix(ffn, hidden, type, wide, random);
            w.down = matrix(hidden, ffn, type, 1.f / std::sqrt(static_cast<float>(ffn)), random);
            if (biased) {
                w.qBias = matrix(1, nHeads * headDim, DType::F32, 0.3f, random);
                w.kBias = matrix(1, nKvHeads * headDim, DType::F32, 0.3f, random);
                w.vBias = matrix(1, nKvHeads * headDim, DType::F32, 0.3f, random);
                w.oBias = matrix(1, hidden, DType::F32, 0.3f, random);
                w.gateBias = matrix(1, ffn, DType::F32, 0.3f, random);
                w.upBias = matrix(1, ffn, DType::F32, 0.3f, random);
                w.downBias = matrix(1, hidden, DType::F32, 0.3f, random);
            }
            weights.layers.push_back(w);
        }
        if (features.adapterRank > 0) adapt(features, random);
    }

    /// Down has no adapter in the last layer: matrices of one kind may differ in it.
    void adapt(const Features& f, Random& random) {
        for (const LayerWeights& w : weights.layers) {
            LayerAdapter& adapter = weights.adapters.emplace_back();
            for (const AdaptedMatrix& part : kAdaptedMatrices) {
                const TensorView& t = w.*part.matrix;
                const int rows = static_cast<int>(t.rows), cols = static_cast<int>(t.cols);
                LowRank& delta = adapter.*part.delta;
                delta.a = matrix(f.adapterRank, cols, f.adapterType, 1.f / std::sqrt(static_cast<float>(cols)), random);
                delta.b = matrix(rows, f.adapterRank, f.adapterType, 0.5f, random);
                delta.scale = 0.8f;
            }
        }
        weights.adapters.back().down = {};
        if (f.replacedRows.empty()) return;
        const int n = static_cast<int>(f.replacedRows.size()), hidden = weights.shape.hidden;
        weights.embeddingRows = {f.replacedRows, matrix(n, hidden, f.adapterType, 1.f, random)};
        weights.headRows = weights.embeddingRows;
    }
};

}  // namespace check
