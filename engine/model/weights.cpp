// From named tensors to ModelWeights, the same for safetensors and GGUF.
#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <set>

#include "engine/files/file_error.h"
#include "engine/model/loaded_model.h"
#include "engine/model/model_config.h"
#include "kernels/model_tensors.h"
#include "kernels/process_limits.h"

namespace spanscope {

namespace {

std::string shapeText(const std::vector<int64_t>& shape) {
    std::string s = "(";
    for (size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
    return s + ")";
}

class Assembler {
  public:
    Assembler(const TensorTable& table, const ModelShape& shape, const std::string& file)
        : m_table(table), m_shape(shape), m_file(file) {}

    TensorView take(const std::string& name, const TensorSpec& spec) {
        if (!m_status) return {};
        const int64_t rows = extentOf(spec.rows, m_shape), cols = extentOf(spec.cols, m_shape);
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
    const Status& status() const { return m_status; }
    uint64_t nBytes() const { return m_nBytes; }

  private:
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

const TensorSpec& specOf(const LayerPart& part) {
    const auto it = std::find_if(kLayerTensors.begin(), kLayerTensors.end(),
                                 [&](const LayerTensor& tensor) { return tensor.view == part.view; });
    assert(it != kLayerTensors.end());
    return it->spec;
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
            if (name == a.embedding.in(format) || name == a.finalNorm.in(format) || name == a.head.in(format) ||
                name == a.ropeDivisors.in(format))
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
    if (!config.tiedHead) weights.head = take(architecture.head, kHeadSpec);
    for (int32_t i = 0; i < config.shape.nLayers && tensors.status(); ++i) {
        LayerWeights& layer = weights.layers.emplace_back();
        for (const LayerPart* part : parts)
            layer.*part->view = tensors.take(layerName(config, i, part->name.in(config.format)), specOf(*part));
    }
    model.m_weightBytes = tensors.nBytes();
    return tensors.status();
}

std::vector<TensorView*> allTensors(ModelWeights& weights) {
    std::vector<TensorView*> all;
    forEachTensor(weights, [&](TensorView& view, const TensorSpec&, int32_t) {
        if (view) all.push_back(&view);
    });
    return all;
}

std::string dominantType(ModelWeights& weights) {
    std::map<DType, uint64_t> bytes;
    for (const TensorView* view : allTensors(weights)) bytes[view->dtype] += view->nBytes();
    const auto most =
        std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == bytes.end() ? "" : dtypeName(most->first);
}

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kChunk = 16 << 20;  // progress is told, and asked, at least this often

size_t alignmentOf(DType dtype) {
    return dtype == DType::F32 ? 4 : 2;  // blocks begin with or contain 16-bit scales
}

/// Copies a tensor or, where target is null, touches each of its pages. False: cancelled.
bool readTensor(const TensorView& view, uint8_t* target, const std::function<bool(size_t)>& advance) {
    const auto* source = static_cast<const uint8_t*>(view.data);
    const size_t nBytes = view.nBytes();
    volatile uint8_t touched = 0;
    for (size_t begin = 0; begin < nBytes; begin += kChunk) {
        const size_t n = std::min(kChunk, nBytes - begin);
        if (target != nullptr) std::memcpy(target + begin, source + begin, n);
        else
            for (size_t at = 0; at < n; at += kPage) touched = source[begin + at];
        if (!advance(n)) return false;
    }
    static_cast<void>(touched);
    return true;
}

}  // namespace

Status loadTensors(LoadedModel& model, const ProgressFn& progress) {
    const Error cancelled{ErrorCode::Cancelled, "loading was cancelled", model.m_path};
    uint64_t done = 0;
    const auto advance = [&](size_t nBytes) {
        done += nBytes;
        return !progress || progress(static_cast<double>(done) / static_cast<double>(model.m_weightBytes));
    };
    if (!advance(0)) return cancelled;
    const bool touch = progress && model.m_weightBytes <= freeMemoryBytes();
    for (TensorView* view : allTensors(model.m_weights)) {
        const size_t nBytes = view->nBytes();
        if (reinterpret_cast<uintptr_t>(view->data) % alignmentOf(view->dtype) != 0) {
            constexpr size_t kCacheLine = 64;
            void* copy = std::aligned_alloc(kCacheLine, (nBytes + kCacheLine - 1) / kCacheLine * kCacheLine);
            if (copy == nullptr)
                return fileError(ErrorCode::OutOfMemory, "no memory for a copy of an unaligned tensor", model.m_path,
                                 "", std::to_string(nBytes) + " bytes wanted");
            model.m_copies.emplace_back(copy);
            if (!readTensor(*view, static_cast<uint8_t*>(copy), advance)) return cancelled;
            view->data = copy;
        } else if (touch ? !readTensor(*view, nullptr, advance) : !advance(nBytes)) {
            return cancelled;
        }
    }
    return {};
}

}  // namespace spanscope
