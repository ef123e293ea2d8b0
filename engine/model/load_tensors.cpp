// Tensors of an assembled model made ready for use: aligned, completed, sampled.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "engine/files/file_error.h"
#include "engine/model/loaded_model.h"
#include "kernels/model_tensors.h"
#include "kernels/process_limits.h"
#include "kernels/reference/dequantize.h"

namespace spanscope {

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

void* makeCopy(size_t nBytes, LoadedModel& model) {
    constexpr size_t kCacheLine = 64;
    void* copy = std::aligned_alloc(kCacheLine, (nBytes + kCacheLine - 1) / kCacheLine * kCacheLine);
    if (copy != nullptr) model.m_copies.emplace_back(copy);
    return copy;
}

Error noMemoryForCopy(const LoadedModel& model, size_t nBytes) {
    return fileError(ErrorCode::OutOfMemory, "no memory for a copy of a tensor", model.m_path, "",
                     std::to_string(nBytes) + " bytes wanted");
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

/// Some rows, the first and the last among them, spread over the tensor; a vector whole.
bool isSampleFinite(const TensorView& view) {
    constexpr int64_t kRows = 16;
    const bool column = view.cols == 1;  // a vector lies in a row or in a column
    const int64_t rows = column ? 1 : view.rows, cols = column ? view.rows : view.cols;
    const size_t stride = rowBytes(view.dtype, cols);
    std::vector<float> row(static_cast<size_t>(cols));
    const int64_t nSamples = std::min(rows, kRows);
    for (int64_t i = 0; i < nSamples; ++i) {
        const int64_t at = nSamples == 1 ? 0 : i * (rows - 1) / (nSamples - 1);
        dequantizeRow(view.dtype, static_cast<const uint8_t*>(view.data) + static_cast<size_t>(at) * stride, cols,
                      row.data());
        if (!std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); })) return false;
    }
    return true;
}

Status checkFinite(const LoadedModel& model) {
    Status status;
    forEachTensor(model.m_weights, [&](const TensorView& view, const TensorSpec& spec, int32_t layer) {
        if (!status || !view || isSampleFinite(view)) return;
        const std::string place = layer < 0 ? "" : "layer " + std::to_string(layer) + " ";
        status = fileError(ErrorCode::Format, "the weights hold values that are no numbers; the file is damaged",
                           model.m_path, place + std::string(spec.name), "NaN or infinity", "finite values");
    });
    return status;
}

/// Gains that are stored less 1 become F32 copies with it.
Status completeGains(LoadedModel& model) {
    if (!model.m_normsBelowOne) return {};
    Status status;
    forEachTensor(model.m_weights, [&](TensorView& view, const TensorSpec& spec, int32_t) {
        if (!status || !view || spec.kind != TensorKind::Norm) return;
        const auto n = static_cast<size_t>(view.cols);
        auto* gains = static_cast<float*>(makeCopy(n * sizeof(float), model));
        if (gains == nullptr) {
            status = noMemoryForCopy(model, n * sizeof(float));
            return;
        }
        dequantizeRow(view.dtype, view.data, view.cols, gains);
        for (size_t i = 0; i < n; ++i) gains[i] += 1;
        view.data = gains;
        view.dtype = DType::F32;
    });
    model.m_normsBelowOne = false;
    return status;
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
            void* copy = makeCopy(nBytes, model);
            if (copy == nullptr) return noMemoryForCopy(model, nBytes);
            if (!readTensor(*view, static_cast<uint8_t*>(copy), advance)) return cancelled;
            view->data = copy;
        } else if (touch ? !readTensor(*view, nullptr, advance) : !advance(nBytes)) {
            return cancelled;
        }
    }
    if (auto status = completeGains(model); !status) return status;
    return checkFinite(model);
}

}  // namespace spanscope
