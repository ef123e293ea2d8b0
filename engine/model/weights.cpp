// From named tensors to ModelWeights, the same for safetensors and GGUF.
#include <algorithm>
#include <array>
#include <cstring>

#include "engine/files/file_error.h"
#include "engine/model/loaded_model.h"
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
    Assembler(const TensorTable& table, const std::string& file, LoadedModel& model)
        : m_table(table), m_file(file), m_model(model) {}

    TensorView matrix(const std::string& name, int64_t rows, int64_t cols) { return take(name, rows, cols, true); }
    TensorView vector(const std::string& name, int64_t n) { return take(name, 1, n, true); }
    TensorView optionalMatrix(const std::string& name, int64_t rows, int64_t cols) {
        return take(name, rows, cols, false);
    }
    bool has(const std::string& name) const { return m_table.tensors.contains(name); }
    const Status& status() const { return m_status; }

  private:
    void fail(Error error) {
        if (m_status) m_status = std::move(error);
    }

    TensorView take(const std::string& name, int64_t rows, int64_t cols, bool required) {
        if (!m_status) return {};
        const auto it = m_table.tensors.find(name);
        if (it == m_table.tensors.end()) {
            if (required)
                fail(fileError(ErrorCode::NotFound, "tensor missing", m_file, name, "nothing",
                               shapeText(rows == 1 ? std::vector{cols} : std::vector{rows, cols})));
            return {};
        }
        const TensorSource& source = it->second;
        const std::vector<int64_t> expected = rows == 1 ? std::vector{cols} : std::vector{rows, cols};
        const bool rowVector = rows == 1 && source.shape == std::vector<int64_t>{1, cols};
        if (source.shape != expected && !rowVector) {
            fail(fileError(ErrorCode::Format, "tensor has another shape than the configuration says", source.file, name,
                           shapeText(source.shape), shapeText(expected)));
            return {};
        }
        if (!source.supported) {
            fail(fileError(ErrorCode::Unsupported, "this program does not compute with weights of this type",
                           source.file, name, source.dtypeName,
                           "F32, F16 or BF16; in GGUF also Q8_0, Q4_0, Q4_K, "
                           "Q5_K, Q6_K"));
            return {};
        }
        TensorView view{source.bytes.data(), source.dtype, rows, cols};
        const size_t wanted = view.nBytes();
        if (wanted == 0 || wanted != source.bytes.size()) {
            fail(fileError(ErrorCode::Format, "tensor has another size than its shape and type say", source.file, name,
                           std::to_string(source.bytes.size()) + " bytes", std::to_string(wanted) + " bytes"));
            return {};
        }
        m_model.m_weightBytes += wanted;
        return view;
    }

    const TensorTable& m_table;
    const std::string& m_file;
    LoadedModel& m_model;
    Status m_status;
};

}  // namespace

Status assembleWeights(const TensorTable& table, const TensorNames& names, const WeightOptions& options,
                       const std::string& file, LoadedModel& model) {
    ModelWeights& weights = model.m_weights;
    const ModelShape& shape = weights.shape;
    const int64_t hidden = shape.hidden;
    const int64_t ffn = shape.ffn;
    const int64_t qRows = int64_t{shape.nHeads} * shape.headDim;
    const int64_t kvRows = int64_t{shape.nKvHeads} * shape.headDim;
    Assembler tensors(table, file, model);
    weights.embedding = tensors.matrix(names.embedding, shape.vocab, hidden);
    weights.finalNorm = tensors.vector(names.finalNorm, hidden);
    if (!options.tiedHead && (!options.headOptional || tensors.has(names.head)))
        weights.head = tensors.matrix(names.head, shape.vocab, hidden);
    for (int32_t i = 0; i < shape.nLayers && tensors.status(); ++i) {
        const std::string prefix = names.layerPrefix + std::to_string(i) + ".";
        const auto weight = [&](const std::string& name) { return prefix + name + ".weight"; };
        const auto bias = [&](const std::string& name) { return prefix + name + ".bias"; };
        LayerWeights layer;
        layer.attnNorm = tensors.vector(weight(names.attnNorm), hidden);
        layer.q = tensors.matrix(weight(names.q), qRows, hidden);
        layer.k = tensors.matrix(weight(names.k), kvRows, hidden);
        layer.v = tensors.matrix(weight(names.v), kvRows, hidden);
        layer.o = tensors.matrix(weight(names.o), hidden, qRows);
        layer.mlpNorm = tensors.vector(weight(names.mlpNorm), hidden);
        layer.gate = tensors.matrix(weight(names.gate), ffn, hidden);
        layer.up = tensors.matrix(weight(names.up), ffn, hidden);
        layer.down = tensors.matrix(weight(names.down), hidden, ffn);
        if (options.attentionBias) {
            layer.qBias = tensors.vector(bias(names.q), qRows);
            layer.kBias = tensors.vector(bias(names.k), kvRows);
            layer.vBias = tensors.vector(bias(names.v), kvRows);
        }
        if (options.oBias) layer.oBias = tensors.vector(bias(names.o), hidden);
        if (options.mlpBias) {
            layer.gateBias = tensors.vector(bias(names.gate), ffn);
            layer.upBias = tensors.vector(bias(names.up), ffn);
            layer.downBias = tensors.vector(bias(names.down), hidden);
        }
        weights.layers.push_back(layer);
    }
    return tensors.status();
}

std::vector<TensorView*> allTensors(ModelWeights& weights) {
    std::vector<TensorView*> all{&weights.embedding, &weights.finalNorm, &weights.head};
    for (LayerWeights& l : weights.layers)
        for (TensorView* view : {&l.attnNorm, &l.q, &l.k, &l.v, &l.o, &l.qBias, &l.kBias, &l.vBias, &l.oBias,
                                 &l.mlpNorm, &l.gate, &l.up, &l.down, &l.gateBias, &l.upBias, &l.downBias})
            all.push_back(view);
    std::erase_if(all, [](const TensorView* view) { return !*view; });
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
