// From named tensors to ModelWeights, the same for safetensors and GGUF.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "engine/files/file_error.h"
#include "engine/model/loaded_model.h"
#include "engine/model/model_config.h"
#include "kernels/model_tensors.h"

namespace spanscope {

namespace {

std::string shapeText(const std::vector<int64_t>& shape) {
    std::string s = "(";
    for (size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
    return s + ")";
}

const TensorSpec& specOf(const LayerPart& part) { return layerTensorSpec(part.view); }

class Assembler {
  public:
    Assembler(const TensorTable& table, const ModelShape& shape, const std::string& file)
        : m_table(table), m_shape(shape), m_file(file) {}

    TensorView take(const std::string& name, const TensorSpec& spec) {
        return take(name, extentOf(spec.rows, m_shape), extentOf(spec.cols, m_shape));
    }

    /// Parts that are rows of one tensor of `name`, one behind the other.
    void take(const std::string& name, std::span<const LayerPart* const> parts, LayerWeights& layer) {
        int64_t rows = 0, begin = 0;
        const int64_t cols = extentOf(specOf(*parts[0]).cols, m_shape);
        for (const LayerPart* part : parts) rows += extentOf(specOf(*part).rows, m_shape);
        const TensorView whole = take(name, rows, cols);
        if (!whole) return;
        for (const LayerPart* part : parts) {
            TensorView& view = layer.*part->view;
            view = whole;
            view.rows = extentOf(specOf(*part).rows, m_shape);
            view.data = static_cast<const uint8_t*>(whole.data) +
                        static_cast<size_t>(begin) * rowBytes(whole.dtype, whole.cols);
            begin += view.rows;
        }
    }

    const Status& status() const { return m_status; }
    uint64_t nBytes() const { return m_nBytes; }

  private:
    TensorView take(const std::string& name, int64_t rows, int64_t cols) {
        if (!m_status) return {};
        const std::vector<int64_t> expected = rows == 1 ? std::vector{cols} : std::vector{rows, cols};
        const auto it = m_table.tensors.find(name);
        if (it == m_table.tensors.end())
            return fail(fileError(ErrorCode::NotFound, "tensor missing", m_file, name, "nothing", shapeText(expected)));
        const TensorSource& source = it->second;
        const bool rowVector = rows == 1 && source.shape == std::vector<int64_t>{1, cols};
        if (source.shape != expected && !rowVector)
            return fail(fileError(ErrorCode::Format, "tensor has another shape than the configuration says",
                                  source.file, name, shapeText(source.shape), shapeText(expected)));
        if (!source.supported)
            return fail(fileError(ErrorCode::Unsupported, "this program does not compute with weights of this type",
                                  source.file, name, source.dtypeName,
                                  "F32, F16 or BF16; in GGUF also " + blockFormatNames()));
        TensorView view{source.bytes.data(), source.dtype, rows, cols};
        const size_t wanted = view.nBytes();
        if (wanted == 0 || wanted != source.bytes.size())
            return fail(fileError(ErrorCode::Format, "tensor has another size than its shape and type say", source.file,
                                  name, std::to_string(source.bytes.size()) + " bytes",
                                  std::to_string(wanted) + " bytes"));
        m_nBytes += wanted;
        return view;
    }

    TensorView fail(Error error) {
        m_status = std::move(error);
        return {};
    }

    const TensorTable& m_table;
    const ModelShape& m_shape;
    const std::string& m_file;
    Status m_status;
    uint64_t m_nBytes = 0;
};

std::string layerName(const ModelConfig& config, int32_t layer, std::string_view name) {
    return std::string(config.architecture->layerPrefix.in(config.format)) + std::to_string(layer) + "." +
           std::string(name);
}

/// Whether the model has this part; then every layer must have it.
bool isThere(const LayerPart& part, const TensorTable& table, const ModelConfig& config) {
    const std::string_view name = part.name.in(config.format);
    if (name.empty()) return false;
    if (part.presenceKey.empty()) return true;
    if (config.format == FileFormat::HuggingFace)
        return std::find(config.presenceKeys.begin(), config.presenceKeys.end(), part.presenceKey) !=
               config.presenceKeys.end();
    for (int32_t i = 0; i < config.shape.nLayers; ++i)
        if (table.tensors.contains(layerName(config, i, name))) return true;
    return false;
}

/// A tensor that this model does not have would change the result; refuse rather than ignore. Outside the layers,
/// folders also carry what only training needs.
Status refuseUnknownTensors(const TensorTable& table, const ModelConfig& config,
                            const std::vector<const LayerPart*>& parts) {
    const Architecture& a = *config.architecture;
    const FileFormat format = config.format;
    std::set<std::string_view> known{a.ignoredInLayers.in(format)};
    for (const LayerPart* part : parts) known.insert(part->name.in(format));
    known.erase("");
    const std::string_view prefix = a.layerPrefix.in(format);
    for (const auto& [name, source] : table.tensors) {
        const bool inLayers = name.starts_with(prefix);
        if (!inLayers) {
            if (format == FileFormat::HuggingFace) continue;
            const std::array outside{a.embedding, a.finalNorm, a.head, a.ropeDivisors, a.shortDivisors, a.longDivisors};
            if (std::any_of(outside.begin(), outside.end(),
                            [&, wanted = std::string_view(name)](const FormatNames& other) {
                                return other.in(format) == wanted;
                            }))
                continue;
        }
        const std::string_view rest = inLayers ? std::string_view(name).substr(prefix.size()) : std::string_view();
        const size_t dot = rest.find('.');
        int32_t layer = -1;
        if (dot != std::string_view::npos && dot > 0 && dot <= 4 && rest.find_first_not_of("0123456789") == dot)
            std::from_chars(rest.data(), rest.data() + dot, layer);
        if (layer < 0 || layer >= config.shape.nLayers || !known.contains(rest.substr(dot + 1)))
            return fileError(ErrorCode::Unsupported,
                             "tensor that a " + std::string(a.name) +
                                 " model of this configuration does not have; running without it would give other "
                                 "results",
                             source.file, name, "present", "absent");
    }
    return {};
}

bool hasHead(const TensorTable& table, const ModelConfig& config) {
    return table.tensors.contains(config.architecture->head.in(config.format));
}

/// A head that is in the file is used, also where the configuration says that it is the embedding (transformers 5 does
/// the same).
Status checkHead(const TensorTable& table, const ModelConfig& config, const std::string& file,
                 std::vector<std::string>& notes) {
    const Architecture& a = *config.architecture;
    const std::string head(a.head.in(config.format)), key(a.tiedHeadKey);
    const bool there = hasHead(table, config);
    if (there && config.tiedHead)
        notes.push_back(key + (config.tiedHeadSaid ? " is true" : " is not said, which means true here") +
                        ", but there is a tensor " + head + ": that tensor is used");
    if (there || config.tiedHead) return {};
    return fileError(ErrorCode::NotFound,
                     "tensor missing, and " + key +
                         (config.tiedHeadSaid ? " is false" : " is not said, which means false here") +
                         "; if the head is the embedding, config.json must say true",
                     file, head, "nothing", "a tensor");
}

}  // namespace

Status assembleWeights(const TensorTable& table, const ModelConfig& config, const std::string& file,
                       LoadedModel& model) {
    const Architecture& architecture = *config.architecture;
    std::vector<const LayerPart*> parts;
    for (const LayerPart& part : architecture.layerParts)
        if (isThere(part, table, config)) parts.push_back(&part);
    if (auto status = refuseUnknownTensors(table, config, parts); !status) return status;

    ModelWeights& weights = model.m_weights;
    weights.shape = config.shape;
    Assembler tensors(table, weights.shape, file);
    const auto take = [&](const FormatNames& name, const TensorSpec& spec) {
        return tensors.take(std::string(name.in(config.format)), spec);
    };
    weights.embedding = take(architecture.embedding, kEmbeddingSpec);
    weights.finalNorm = take(architecture.finalNorm, kFinalNormSpec);
    if (auto status = checkHead(table, config, file, model.m_notes); !status) return status;
    if (hasHead(table, config)) weights.head = take(architecture.head, kHeadSpec);
    for (int32_t i = 0; i < config.shape.nLayers && tensors.status(); ++i) {
        LayerWeights& layer = weights.layers.emplace_back();
        for (size_t begin = 0, end = 0; begin < parts.size(); begin = end) {
            const std::string_view name = parts[begin]->name.in(config.format);
            while (end < parts.size() && parts[end]->name.in(config.format) == name) ++end;
            tensors.take(layerName(config, i, name), std::span(parts).subspan(begin, end - begin), layer);
        }
    }
    model.m_normsBelowOne = config.format == FileFormat::HuggingFace && architecture.huggingFaceNormsBelowOne;
    model.m_architecture = &architecture;
    model.m_fileFormat = config.format;
    model.m_weightBytes = tensors.nBytes();
    return tensors.status();
}

}  // namespace spanscope
