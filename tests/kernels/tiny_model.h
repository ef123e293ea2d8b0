// A model that can be worked out by hand.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "kernels/backend.h"

namespace spanscope::test {

/// Two tokens a and b; hidden 2, one head of 2, rotation off. Attention output is the visible mean of values,
/// since q = 0 makes all scores equal; MLP is zero; head is the identity.
struct TinyModel {
    std::vector<float> embedding{1, 0, 0, 1}, ones{1, 1}, zeros{0, 0, 0, 0}, identity{1, 0, 0, 1};
    ModelWeights weights;
    TinyModel() {
        ModelShape& s = weights.shape;
        s.nLayers = s.nHeads = s.nKvHeads = 1;
        s.headDim = s.hidden = s.ffn = s.vocab = 2;
        s.rmsEps = 0;
        s.ropes = {{.invFreq = {0}}};
        const auto m = [](std::vector<float>& v) { return TensorView{v.data(), DType::F32, 2, 2}; };
        const auto vec = [](std::vector<float>& v) { return TensorView{v.data(), DType::F32, 1, 2}; };
        weights.embedding = m(embedding);
        weights.finalNorm = vec(ones);
        weights.head = m(identity);
        LayerWeights w;
        w.attnNorm = w.mlpNorm = vec(ones);
        w.q = w.gate = w.up = w.down = m(zeros);
        w.k = w.v = w.o = m(identity);
        weights.layers = {w};
    }
    /// A matrix (or, of one row, a vector) whose values last as long as the model.
    TensorView view(int64_t rows, std::vector<float> values) {
        m_more.push_back(std::move(values));
        const auto n = static_cast<int64_t>(m_more.back().size());
        return {m_more.back().data(), DType::F32, rows, n / rows};
    }

  private:
    std::deque<std::vector<float>> m_more;
};

}  // namespace spanscope::test
