#include "engine/model/adapter/overlay.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "engine/files/file_error.h"
#include "kernels/reference/dequantize.h"

namespace spanscope {

namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kWeight = ".weight", kA = ".lora_A.weight", kB = ".lora_B.weight";
constexpr std::string_view kRows = ".token_adapter.trainable_tokens_delta";

std::string_view withoutEnd(std::string_view name, std::string_view end) {
    return name.substr(0, name.size() - std::min(name.size(), end.size()));
}

std::string shapeText(const std::vector<int64_t>& shape) {
    std::string s = "(";
    for (size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
    return s + ")";
}

}  // namespace

Status Overlay::lay() {
    m_weights.adapters.resize(m_weights.layers.size());
    for (const auto& [name, source] : m_table.tensors) {
        place(name, source);
        if (!m_status) return m_status;
    }
    for (const auto& [path, module] : m_modules) {
        addLowRank(path, module);
        if (!m_status) return m_status;
    }
    checkTargets();
    placeRows();
    checkHead();
    return m_status;
}

void Overlay::refuse(const std::string& name, const TensorSource& source) {
    fail(fileError(ErrorCode::Unsupported,
                   "an adapter's tensor that this program has no place for in this model; running without it would "
                   "give other results",
                   source.file, name, "present", "LoRA of a layer's matrices, norms, embedding or head"));
}

int32_t Overlay::layerOf(std::string_view path, std::string_view& rest) const {
    const std::string_view prefix = m_architecture.layerPrefix.huggingFace;
    if (!path.starts_with(prefix)) return -1;
    rest = path.substr(prefix.size());
    const size_t dot = rest.find('.');
    int32_t layer = -1;
    if (dot == std::string_view::npos || dot == 0 || dot > 4 || rest.find_first_not_of("0123456789") != dot) return -1;
    std::from_chars(rest.data(), rest.data() + dot, layer);
    rest = rest.substr(dot + 1);
    return layer;
}

bool Overlay::checkLayer(const std::string& name, const TensorSource& source, int32_t layer) {
    const auto nLayers = static_cast<int32_t>(m_weights.layers.size());
    if (layer < nLayers) return true;
    fail(fileError(ErrorCode::InvalidArgument, kOtherBase, source.file, name, "layer " + std::to_string(layer),
                   "layers 0 to " + std::to_string(nLayers - 1)));
    return false;
}

void Overlay::place(const std::string& name, const TensorSource& source) {
    if (!name.starts_with(kPrefix)) return refuse(name, source);
    const std::string_view path = std::string_view(name).substr(kPrefix.size());
    const auto isRowsOf = [&](const FormatNames& whole) {
        const std::string_view module = withoutEnd(whole.huggingFace, kWeight);
        return path.size() == module.size() + kRows.size() && path.starts_with(module) && path.ends_with(kRows);
    };
    if (isRowsOf(m_architecture.embedding)) {
        m_embeddingRows = &source;
    } else if (isRowsOf(m_architecture.head)) {
        m_headRows = &source;
    } else if (path == m_architecture.embedding.huggingFace) {
        m_wholeEmbedding = &source;
        replaceWhole(name, source, kEmbeddingSpec, &ModelWeights::embedding);
    } else if (path == m_architecture.head.huggingFace) {
        m_wholeHead = &source;
        replaceWhole(name, source, kHeadSpec, &ModelWeights::head);
    } else if (path == m_architecture.finalNorm.huggingFace) {
        replace(name, source, kFinalNormSpec, m_weights.finalNorm);
    } else {
        placeInLayer(name, path, source);
    }
}

void Overlay::placeInLayer(const std::string& name, std::string_view path, const TensorSource& source) {
    std::string_view rest;
    const int32_t layer = layerOf(path, rest);
    if (layer < 0) return refuse(name, source);
    if (!checkLayer(name, source, layer)) return;
    const bool isA = rest.ends_with(kA), isB = rest.ends_with(kB);
    if (isA || isB) {
        Module& module = m_modules[std::string(withoutEnd(path, kA))];
        module.layer = layer;
        module.name = withoutEnd(rest, kA);
        (isA ? module.a : module.b) = &source;
        return;
    }
    LayerWeights& weights = m_weights.layers[static_cast<size_t>(layer)];
    for (const LayerPart& part : m_architecture.layerParts) {
        const TensorSpec& spec = layerTensorSpec(part.view);
        if (part.name.huggingFace == rest && spec.kind == TensorKind::Norm && weights.*part.view)
            return replace(name, source, spec, weights.*part.view);
    }
    refuse(name, source);
}

TensorView Overlay::view(const std::string& name, const TensorSource& source, int64_t rows, int64_t cols) {
    const std::vector<int64_t> expected = rows == 1 ? std::vector{cols} : std::vector{rows, cols};
    if (source.shape != expected && source.shape != std::vector{rows, cols}) {
        fail(fileError(ErrorCode::InvalidArgument, kOtherBase, source.file, name, shapeText(source.shape),
                       shapeText(expected)));
        return {};
    }
    if (!source.supported) {
        fail(fileError(ErrorCode::Unsupported, "this program does not compute with adapters of this type", source.file,
                       name, source.dtypeName, "F32, F16 or BF16"));
        return {};
    }
    return {source.bytes.data(), source.dtype, rows, cols};
}

void Overlay::replace(const std::string& name, const TensorSource& source, const TensorSpec& spec, TensorView& target) {
    const ModelShape& shape = m_weights.shape;
    const TensorView own = view(name, source, extentOf(spec.rows, shape), extentOf(spec.cols, shape));
    if (!own) return;
    const uint64_t before = target ? target.nBytes() : 0;
    target = own;
    m_model.m_weightBytes += own.nBytes() - before;
    // GGUF files hold whole gains; an adapter has them as its family's safetensors do.
    if (spec.kind == TensorKind::Norm && m_architecture.huggingFaceNormsBelowOne && !m_model.m_normsBelowOne)
        completeGain(target);
}

void Overlay::replaceWhole(const std::string& name, const TensorSource& source, const TensorSpec& spec,
                           TensorView ModelWeights::*view) {
    TensorView& target = m_weights.*view;
    const DType baseType = target ? target.dtype : m_baseEmbeddingType;
    replace(name, source, spec, target);
    if (m_status && !isBlocked(baseType) && baseType != target.dtype) m_model.m_toRound.emplace_back(view, baseType);
}

void Overlay::completeGain(TensorView& gain) {
    const auto n = static_cast<size_t>(gain.cols);
    auto* values = static_cast<float*>(makeCopy(n * sizeof(float), m_model));
    if (values == nullptr) return fail(noMemoryForCopy(m_model, n * sizeof(float)));
    dequantizeRow(gain.dtype, gain.data, gain.cols, values);
    for (size_t i = 0; i < n; ++i) values[i] += 1;
    gain.data = values;
    gain.dtype = DType::F32;
}

void Overlay::addLowRank(const std::string& path, const Module& module) {
    const std::string nameA = std::string(kPrefix) + path + std::string(kA);
    const std::string nameB = std::string(kPrefix) + path + std::string(kB);
    const TensorSource& any = module.a ? *module.a : *module.b;
    if (!module.a || !module.b)
        return fail(fileError(ErrorCode::NotFound, "half of an adapter is missing", any.file, module.a ? nameB : nameA,
                              "nothing", "a tensor"));
    LayerWeights& weights = m_weights.layers[static_cast<size_t>(module.layer)];
    std::vector<const AdaptedMatrix*> parts;  // more than one where matrices lie in one tensor
    int64_t rows = 0, cols = 0;
    for (const LayerPart& part : m_architecture.layerParts) {
        if (withoutEnd(part.name.huggingFace, kWeight) != module.name) continue;
        for (const AdaptedMatrix& matrix : kAdaptedMatrices) {
            if (matrix.matrix != part.view || !(weights.*part.view)) continue;
            parts.push_back(&matrix);
            rows += (weights.*part.view).rows;
            cols = (weights.*part.view).cols;
        }
    }
    if (parts.empty()) return refuse(nameA, *module.a);
    if (!isTarget(path, module.layer))
        return fail(fileError(ErrorCode::Format, "the adapter's configuration does not name this module", any.file,
                              nameA, "present", "absent, or named in adapter_config.json"));
    if (const std::string key = m_config.ambiguous(path); !key.empty())
        return fail(fileError(ErrorCode::Unsupported, "two of its names mean the same module", m_configFile, key, path,
                              "one name"));
    const int64_t rank = m_config.rank.of(path);
    if (module.a->shape.size() == 2 && module.a->shape[0] != rank)
        return fail(fileError(ErrorCode::Format, "another rank than adapter_config.json says", any.file, nameA,
                              shapeText(module.a->shape), "rank " + std::to_string(rank)));
    const TensorView a = view(nameA, *module.a, rank, cols), b = view(nameB, *module.b, rows, rank);
    if (!m_status) return;
    m_rank = std::max(m_rank, static_cast<int32_t>(rank));
    int64_t firstRow = 0;
    for (const AdaptedMatrix* part : parts) {
        const TensorView& matrix = weights.*part->matrix;
        TensorView ownB = b;
        ownB.rows = matrix.rows;
        ownB.data = static_cast<const uint8_t*>(b.data) + static_cast<size_t>(firstRow) * rowBytes(b.dtype, b.cols);
        firstRow += matrix.rows;
        LowRank& delta = m_weights.adapters[static_cast<size_t>(module.layer)].*part->delta;
        delta = {a, ownB, static_cast<float>(m_config.scale(path))};
        AdapterInfo& info = *m_model.m_adapter;
        if (isBlocked(matrix.dtype)) {
            info.besideBytes += delta.nBytes();
            m_model.m_weightBytes += 2 * delta.nBytes();  // as it lies in its file, and as a backend lays it out
        } else {
            info.copiedBytes += matrix.nBytes();
        }
    }
}

bool Overlay::isTarget(std::string_view path, int32_t layer) const {
    const bool named =
        m_config.targets.empty() || std::any_of(m_config.targets.begin(), m_config.targets.end(),
                                                [&](const std::string& end) { return isEndOfPath(end, path); });
    return named &&
           (m_config.layers.empty() || std::binary_search(m_config.layers.begin(), m_config.layers.end(), layer));
}

void Overlay::checkTargets() {
    if (!m_config.rowsAreComplete) return;
    for (size_t l = 0; l < m_weights.layers.size() && m_status; ++l) {
        for (const LayerPart& part : m_architecture.layerParts) {
            const bool isMatrix = std::any_of(kAdaptedMatrices.begin(), kAdaptedMatrices.end(),
                                              [&](const AdaptedMatrix& m) { return m.matrix == part.view; });
            const std::string path = std::string(m_architecture.layerPrefix.huggingFace) + std::to_string(l) + "." +
                                     std::string(withoutEnd(part.name.huggingFace, kWeight));
            if (isMatrix && isTarget(path, static_cast<int32_t>(l)) && !m_modules.contains(path))
                return fail(fileError(ErrorCode::NotFound, "tensor missing that adapter_config.json promises",
                                      m_model.m_adapter->path, std::string(kPrefix) + path + std::string(kA), "nothing",
                                      "a tensor"));
        }
    }
}

void Overlay::takeRows(const FormatNames& whole, const TensorSource* source, const std::vector<int32_t>& ids,
                       ReplacedRows& target) {
    const std::string name =
        std::string(kPrefix) + std::string(withoutEnd(whole.huggingFace, kWeight)) + std::string(kRows);
    if (!m_status || (ids.empty() && source == nullptr)) return;
    if (ids.empty() || source == nullptr)
        return fail(fileError(ErrorCode::Format, "trainable_token_indices and the tensor of such rows go together",
                              m_model.m_adapter->path, name, source ? "present" : "nothing",
                              ids.empty() ? "absent" : std::to_string(ids.size()) + " rows"));
    if (const int32_t most = *std::max_element(ids.begin(), ids.end()); most >= m_weights.shape.vocab)
        return fail(fileError(ErrorCode::InvalidArgument, kOtherBase, m_configFile, "trainable_token_indices",
                              std::to_string(most), "0 to " + std::to_string(m_weights.shape.vocab - 1)));
    const auto n = static_cast<int64_t>(ids.size());
    TensorView rows = view(name, *source, n, m_weights.shape.hidden);
    if (!rows) return;
    std::vector<size_t> order(ids.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return ids[a] < ids[b]; });
    auto* sorted = static_cast<uint8_t*>(makeCopy(rows.nBytes(), m_model));
    if (sorted == nullptr) return fail(noMemoryForCopy(m_model, rows.nBytes()));
    const size_t stride = rowBytes(rows.dtype, rows.cols);
    for (size_t i = 0; i < order.size(); ++i) {
        std::memcpy(sorted + i * stride, static_cast<const uint8_t*>(rows.data) + order[i] * stride, stride);
        target.ids.push_back(ids[order[i]]);
    }
    rows.data = sorted;
    target.rows = rows;
    m_model.m_weightBytes += rows.nBytes();
    m_model.m_adapter->besideBytes += rows.nBytes();
}

void Overlay::placeRows() {
    const bool tied = !m_weights.head;
    takeRows(m_architecture.embedding, m_embeddingRows, m_config.embeddingRows, m_weights.embeddingRows);
    if (tied && m_headRows == nullptr && !m_config.headRows.empty() && m_config.headRows != m_config.embeddingRows)
        return fail(fileError(ErrorCode::Unsupported, "the head is the embedding, and other rows of it are replaced",
                              m_configFile, "trainable_token_indices.lm_head", "other ids", "those of embed_tokens"));
    if (tied && m_headRows == nullptr) m_weights.headRows = m_weights.embeddingRows;
    else takeRows(m_architecture.head, m_headRows, m_config.headRows, m_weights.headRows);
    if (m_status && ((m_wholeEmbedding && m_embeddingRows) || (m_wholeHead && m_headRows)))
        fail(fileError(ErrorCode::Unsupported, "a whole matrix and rows of it cannot both be replaced",
                       m_model.m_adapter->path, m_wholeEmbedding ? "embed_tokens" : "lm_head"));
}

void Overlay::checkHead() {
    if (!m_status || !m_wholeEmbedding || m_weights.head || m_config.keepsHeadTied) return;
    fail(fileError(ErrorCode::Unsupported,
                   "the adapter replaces the embedding of a model whose head is the embedding, and does not say "
                   "what becomes of the head",
                   m_wholeEmbedding->file, std::string(kPrefix) + std::string(m_architecture.head.huggingFace),
                   "nothing", "a tensor, or ensure_weight_tying in adapter_config.json"));
}

}  // namespace spanscope
