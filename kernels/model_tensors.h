// Every tensor of a model in one list: what it is called, its shape, and the member that views it. Who reads, checks,
// counts or draws weights walks this list and has none of its own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernels/backend.h"

namespace spanscope {

enum class TensorKind : uint8_t {
    Matrix,
    Norm,  ///< gains, one for each column
    Bias,
};

/// A side of a tensor, in terms of the model's shape.
enum class Extent : uint8_t {
    One,
    Vocab,
    Hidden,
    Ffn,
    Queries,    ///< nHeads * headDim
    KeyValues,  ///< nKvHeads * headDim
    QueryNorm,  ///< what one RMSNorm of queries spans: a head, or all
    KeyNorm,
};

inline int64_t extentOf(Extent extent, const ModelShape& shape) {
    switch (extent) {
        case Extent::One: return 1;
        case Extent::Vocab: return shape.vocab;
        case Extent::Hidden: return shape.hidden;
        case Extent::Ffn: return shape.ffn;
        case Extent::Queries: return int64_t{shape.nHeads} * shape.headDim;
        case Extent::KeyValues: return int64_t{shape.nKvHeads} * shape.headDim;
        case Extent::QueryNorm: return int64_t{shape.qkNorm == QkNorm::WholeRow ? shape.nHeads : 1} * shape.headDim;
        case Extent::KeyNorm: return int64_t{shape.qkNorm == QkNorm::WholeRow ? shape.nKvHeads : 1} * shape.headDim;
    }
    return 0;
}

struct TensorSpec {
    std::string_view name;  ///< of the member, for messages
    TensorKind kind = TensorKind::Matrix;
    Extent rows = Extent::One;  ///< One for vectors
    Extent cols = Extent::One;
    bool optional = false;
};

inline constexpr TensorSpec kEmbeddingSpec{"embedding", TensorKind::Matrix, Extent::Vocab, Extent::Hidden};
inline constexpr TensorSpec kFinalNormSpec{"finalNorm", TensorKind::Norm, Extent::One, Extent::Hidden};
inline constexpr TensorSpec kHeadSpec{"head", TensorKind::Matrix, Extent::Vocab, Extent::Hidden, true};

struct LayerTensor {
    TensorView LayerWeights::*view;
    TensorSpec spec;
};

/// In the order in which a layer uses them, a product's bias behind the matrices it goes with.
inline constexpr std::array<LayerTensor, 20> kLayerTensors{{
    {&LayerWeights::attnNorm, {"attnNorm", TensorKind::Norm, Extent::One, Extent::Hidden, true}},
    {&LayerWeights::q, {"q", TensorKind::Matrix, Extent::Queries, Extent::Hidden}},
    {&LayerWeights::k, {"k", TensorKind::Matrix, Extent::KeyValues, Extent::Hidden}},
    {&LayerWeights::v, {"v", TensorKind::Matrix, Extent::KeyValues, Extent::Hidden}},
    {&LayerWeights::qBias, {"qBias", TensorKind::Bias, Extent::One, Extent::Queries, true}},
    {&LayerWeights::kBias, {"kBias", TensorKind::Bias, Extent::One, Extent::KeyValues, true}},
    {&LayerWeights::vBias, {"vBias", TensorKind::Bias, Extent::One, Extent::KeyValues, true}},
    {&LayerWeights::qNorm, {"qNorm", TensorKind::Norm, Extent::One, Extent::QueryNorm, true}},
    {&LayerWeights::kNorm, {"kNorm", TensorKind::Norm, Extent::One, Extent::KeyNorm, true}},
    {&LayerWeights::o, {"o", TensorKind::Matrix, Extent::Hidden, Extent::Queries}},
    {&LayerWeights::oBias, {"oBias", TensorKind::Bias, Extent::One, Extent::Hidden, true}},
    {&LayerWeights::postAttnNorm, {"postAttnNorm", TensorKind::Norm, Extent::One, Extent::Hidden, true}},
    {&LayerWeights::mlpNorm, {"mlpNorm", TensorKind::Norm, Extent::One, Extent::Hidden, true}},
    {&LayerWeights::gate, {"gate", TensorKind::Matrix, Extent::Ffn, Extent::Hidden}},
    {&LayerWeights::up, {"up", TensorKind::Matrix, Extent::Ffn, Extent::Hidden}},
    {&LayerWeights::gateBias, {"gateBias", TensorKind::Bias, Extent::One, Extent::Ffn, true}},
    {&LayerWeights::upBias, {"upBias", TensorKind::Bias, Extent::One, Extent::Ffn, true}},
    {&LayerWeights::down, {"down", TensorKind::Matrix, Extent::Hidden, Extent::Ffn}},
    {&LayerWeights::downBias, {"downBias", TensorKind::Bias, Extent::One, Extent::Hidden, true}},
    {&LayerWeights::postMlpNorm, {"postMlpNorm", TensorKind::Norm, Extent::One, Extent::Hidden, true}},
}};

inline const TensorSpec& layerTensorSpec(TensorView LayerWeights::*view) {
    size_t i = 0;
    while (kLayerTensors[i].view != view) ++i;
    return kLayerTensors[i].spec;
}

/// The matrices that an adapter can add to.
struct AdaptedMatrix {
    LowRank LayerAdapter::*delta;
    TensorView LayerWeights::*matrix;
};
inline constexpr std::array<AdaptedMatrix, 7> kAdaptedMatrices{{
    {&LayerAdapter::q, &LayerWeights::q},
    {&LayerAdapter::k, &LayerWeights::k},
    {&LayerAdapter::v, &LayerWeights::v},
    {&LayerAdapter::o, &LayerWeights::o},
    {&LayerAdapter::gate, &LayerWeights::gate},
    {&LayerAdapter::up, &LayerWeights::up},
    {&LayerAdapter::down, &LayerWeights::down},
}};

/// visit(view, spec, layer) for every tensor, absent ones included: embedding, layers, final norm, head. layer is -1
/// outside the layers. Weights: ModelWeights or const ModelWeights.
template <class Weights, class Visit>
void forEachTensor(Weights& weights, Visit visit) {
    visit(weights.embedding, kEmbeddingSpec, -1);
    for (size_t l = 0; l < weights.layers.size(); ++l)
        for (const LayerTensor& tensor : kLayerTensors)
            visit(weights.layers[l].*tensor.view, tensor.spec, static_cast<int32_t>(l));
    visit(weights.finalNorm, kFinalNormSpec, -1);
    visit(weights.head, kHeadSpec, -1);
}

}  // namespace spanscope
