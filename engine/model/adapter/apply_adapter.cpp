// Values of an adapter made ready: rows in the model's own order, aligned, finite, merged into copies of plain
// matrices.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/files/file_error.h"
#include "engine/model/adapter/adapter.h"
#include "engine/model/architecture.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/merged_matrix.h"
#include "kernels/model_tensors.h"
#include "kernels/process_limits.h"
#include "kernels/reference/dequantize.h"

namespace spanscope {

namespace {

bool allFinite(const TensorView& t) {
    std::vector<float> row(static_cast<size_t>(t.cols));
    const size_t stride = rowBytes(t.dtype, t.cols);
    for (int64_t r = 0; r < t.rows; ++r) {
        dequantizeRow(t.dtype, static_cast<const uint8_t*>(t.data) + static_cast<size_t>(r) * stride, t.cols,
                      row.data());
        if (!std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); })) return false;
    }
    return true;
}

/// Row of Hugging Face's order that a llama GGUF file has at `row`: pairs (2i, 2i + 1) were (i, i + headDim / 2).
int64_t unpairedRow(int64_t row, int64_t headDim) {
    const int64_t head = row / headDim, within = row % headDim;
    return head * headDim + within % 2 * (headDim / 2) + within / 2;
}

/// A copy in memory of its own, with rows taken by rowOf(row).
template <class RowOf>
Status copyRows(TensorView& view, LoadedModel& model, RowOf rowOf) {
    auto* copy = static_cast<uint8_t*>(makeCopy(view.nBytes(), model));
    if (copy == nullptr) return noMemoryForCopy(model, view.nBytes());
    const size_t stride = rowBytes(view.dtype, view.cols);
    for (int64_t r = 0; r < view.rows; ++r)
        std::memcpy(copy + static_cast<size_t>(r) * stride,
                    static_cast<const uint8_t*>(view.data) + static_cast<size_t>(rowOf(r)) * stride, stride);
    view.data = copy;
    return {};
}

Status align(TensorView& view, LoadedModel& model) {
    if (reinterpret_cast<uintptr_t>(view.data) % rowBytes(view.dtype, 1) == 0) return {};
    return copyRows(view, model, [](int64_t row) { return row; });
}

/// The matrix becomes a copy that holds the adapter itself.
Status merge(TensorView& matrix, const LowRank& delta, LoadedModel& model, cpu::ThreadPool& pool) {
    auto* copy = static_cast<uint8_t*>(makeCopy(matrix.nBytes(), model));
    if (copy == nullptr) return noMemoryForCopy(model, matrix.nBytes());
    const MergedMatrix merged(matrix, delta);
    const size_t stride = rowBytes(matrix.dtype, matrix.cols);
    constexpr int64_t kRows = 32;
    pool.parallelFor((matrix.rows + kRows - 1) / kRows, [&](int64_t chunk, int32_t) {
        std::vector<float> row(static_cast<size_t>(matrix.cols)), scratch;
        for (int64_t r = chunk * kRows; r < std::min(matrix.rows, (chunk + 1) * kRows); ++r) {
            merged.row(r, row.data(), scratch);
            roundRow(matrix.dtype, row.data(), matrix.cols, copy + static_cast<size_t>(r) * stride);
        }
    });
    matrix.data = copy;
    return {};
}

Status roundTo(DType type, TensorView& matrix, LoadedModel& model) {
    TensorView rounded = matrix;
    rounded.dtype = type;
    auto* copy = static_cast<uint8_t*>(makeCopy(rounded.nBytes(), model));
    if (copy == nullptr) return noMemoryForCopy(model, rounded.nBytes());
    std::vector<float> row(static_cast<size_t>(matrix.cols));
    const size_t from = rowBytes(matrix.dtype, matrix.cols), to = rowBytes(type, matrix.cols);
    for (size_t r = 0; r < static_cast<size_t>(matrix.rows); ++r) {
        dequantizeRow(matrix.dtype, static_cast<const uint8_t*>(matrix.data) + r * from, matrix.cols, row.data());
        roundRow(type, row.data(), matrix.cols, copy + r * to);
    }
    rounded.data = copy;
    matrix = rounded;
    return {};
}

}  // namespace

Status applyAdapter(LoadedModel& model, const ProgressFn& progress) {
    if (!model.m_adapter) return {};
    ModelWeights& weights = model.m_weights;
    const bool paired = weights.shape.ropeInterleaved && model.m_fileFormat == FileFormat::Gguf;
    cpu::ThreadPool pool(usableThreads());
    bool anyLeft = false;
    for (size_t l = 0; l < weights.adapters.size(); ++l) {
        for (const AdaptedMatrix& part : kAdaptedMatrices) {
            LowRank& delta = weights.adapters[l].*part.delta;
            if (!delta) continue;
            TensorView& matrix = weights.layers[l].*part.matrix;
            if (!allFinite(delta.a) || !allFinite(delta.b))
                return fileError(ErrorCode::Format, "the adapter holds values that are no numbers; the file is damaged",
                                 model.m_adapter->path,
                                 "layer " + std::to_string(l) + " " + std::string(layerTensorSpec(part.matrix).name),
                                 "NaN or infinity", "finite values");
            Status status = align(delta.a, model);
            const bool rotates = part.delta == &LayerAdapter::q || part.delta == &LayerAdapter::k;
            if (status && paired && rotates) {
                const int64_t headDim = weights.shape.headDim;
                status = copyRows(delta.b, model, [headDim](int64_t row) { return unpairedRow(row, headDim); });
            } else if (status) {
                status = align(delta.b, model);
            }
            if (status && !isBlocked(matrix.dtype)) {
                status = merge(matrix, delta, model, pool);
                delta = {};
            }
            if (!status) return status;
            anyLeft = anyLeft || delta;
        }
        if (progress && !progress(1)) return Error{ErrorCode::Cancelled, "loading was cancelled", model.m_path};
    }
    if (!anyLeft) weights.adapters.clear();
    for (const auto& [view, type] : model.m_toRound)
        if (Status status = roundTo(type, weights.*view, model); !status) return status;
    for (const ReplacedRows* own : {&weights.embeddingRows, &weights.headRows})
        if (!own->ids.empty() && !allFinite(own->rows))
            return fileError(ErrorCode::Format, "the adapter holds values that are no numbers; the file is damaged",
                             model.m_adapter->path, "trainable_tokens_delta", "NaN or infinity", "finite values");
    return {};
}

}  // namespace spanscope
