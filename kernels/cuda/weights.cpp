#include "kernels/cuda/weights.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "kernels/cuda/layer_kinds.h"
#include "kernels/cuda/matrix_type.h"
#include "kernels/cuda/step/elementwise.h"
#include "kernels/merged_matrix.h"
#include "kernels/model_tensors.h"
#include "kernels/reference/dequantize.h"

namespace spanscope::cuda {
namespace {

constexpr size_t kAlign = 256;
constexpr int64_t kChunkValues = int64_t{16} << 20;

size_t aligned(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

MatrixFormat formatOf(DType dtype) {
    return dtype == DType::Q8_0 ? MatrixFormat::Q8_0 : dtype == DType::Q4_0 ? MatrixFormat::Q4_0 : MatrixFormat::Plain;
}

/// Hands out the arena's memory in order; without a base it only counts.
class Arena {
  public:
    explicit Arena(char* base) : m_base(base) {}
    char* take(size_t nBytes) {
        char* p = m_base ? m_base + m_used : nullptr;
        m_used += aligned(nBytes);
        return p;
    }
    size_t used() const { return m_used; }

  private:
    char* m_base;
    size_t m_used = 0;
};

int64_t values(const TensorView& t) { return t ? t.rows * t.cols : 0; }

/// A matrix, and what an adapter makes of it.
struct Adapted {
    const TensorView* matrix;
    const LowRank* delta = nullptr;      ///< absent or empty: nothing is added
    const ReplacedRows* rows = nullptr;  ///< likewise
    bool isAdapted() const { return (delta && *delta) || (rows && !rows->ids.empty()); }
};

/// Uploads tensors, a chunk at a time, so that progress is reported and loading can be cancelled.
class Uploader {
  public:
    Uploader(const LaunchContext& ctx, const ProgressFn& progress, int64_t nTotal)
        : m_ctx(ctx), m_progress(progress), m_nTotal(nTotal) {}

    /// Blocks as they are, quants and scales apart.
    Status putBlocks(const TensorView& t, char* quants, char* scales) {
        const size_t quantSize = quantBytes(formatOf(t.dtype)), blockSize = quantSize + sizeof(uint16_t);
        const int64_t nBlocks = values(t) / kQuantBlock, perChunk = kChunkValues / kQuantBlock;
        for (int64_t b = 0; b < nBlocks; b += perChunk) {
            const size_t n = static_cast<size_t>(std::min(perChunk, nBlocks - b)), first = static_cast<size_t>(b);
            const char* src = static_cast<const char*>(t.data) + first * blockSize;
            m_quants.resize(n * quantSize);
            m_scales.resize(n * sizeof(uint16_t));
            for (size_t i = 0; i < n; ++i) {  // a block: its scale, then its quants
                std::memcpy(m_scales.data() + i * sizeof(uint16_t), src + i * blockSize, sizeof(uint16_t));
                std::memcpy(m_quants.data() + i * quantSize, src + i * blockSize + sizeof(uint16_t), quantSize);
            }
            SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(quants + first * quantSize, m_quants.data(), m_quants.size(),
                                               cudaMemcpyHostToDevice, m_ctx.stream));
            SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(scales + first * sizeof(uint16_t), m_scales.data(), m_scales.size(),
                                               cudaMemcpyHostToDevice, m_ctx.stream));
            SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
            SPANSCOPE_TRY(tell(static_cast<int64_t>(n) * kQuantBlock));
        }
        return {};
    }

    Status put(const TensorView& t, char* to, Element toType) { return put(Adapted{&t}, to, toType); }

    /// With what the adapter adds: computed in float32, then rounded to the matrix's type on the device.
    Status put(const Adapted& adapted, char* to, Element toType) {
        const TensorView& t = *adapted.matrix;
        const bool own = adapted.isAdapted();
        const bool plain = !own && elementOf(t.dtype).has_value();
        const Element from = plain ? elementOf(t.dtype).value_or(Element::F32) : Element::F32;
        const MergedMatrix merged(t, adapted.delta ? *adapted.delta : LowRank{});
        std::vector<float> scratch;
        // Whole rows at a time: quantised formats have no smaller unit.
        const int64_t rowsPerChunk = std::max<int64_t>(1, kChunkValues / std::max<int64_t>(1, t.cols));
        const size_t fromRow = rowBytes(t.dtype, t.cols);
        for (int64_t r = 0; r < t.rows; r += rowsPerChunk) {
            const int64_t nRows = std::min(rowsPerChunk, t.rows - r), n = nRows * t.cols;
            const char* src = static_cast<const char*>(t.data) + static_cast<size_t>(r) * fromRow;
            char* dst = to + static_cast<size_t>(r * t.cols) * elementBytes(toType);
            if (plain && from == toType) {
                SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(dst, src, static_cast<size_t>(nRows) * fromRow,
                                                   cudaMemcpyHostToDevice, m_ctx.stream));
            } else {
                const void* raw = src;
                size_t nBytes = static_cast<size_t>(nRows) * fromRow;
                if (!plain) {
                    m_floats.resize(static_cast<size_t>(n));
                    for (int64_t i = 0; i < nRows; ++i) {
                        float* row = m_floats.data() + static_cast<size_t>(i * t.cols);
                        const int64_t replaced = adapted.rows ? adapted.rows->find(static_cast<int32_t>(r + i)) : -1;
                        if (replaced < 0) {
                            merged.row(r + i, row, scratch);
                            continue;
                        }
                        const TensorView& rows = adapted.rows->rows;
                        dequantizeRow(rows.dtype,
                                      static_cast<const char*>(rows.data) +
                                          static_cast<size_t>(replaced) * rowBytes(rows.dtype, rows.cols),
                                      rows.cols, row);
                    }
                    raw = m_floats.data();
                    nBytes = m_floats.size() * sizeof(float);
                }
                if (m_staging.nBytes() < nBytes) SPANSCOPE_TRY(m_staging.allocate("staging of weights", nBytes));
                SPANSCOPE_CUDA_TRY(
                    cudaMemcpyAsync(m_staging.as<>(), raw, nBytes, cudaMemcpyHostToDevice, m_ctx.stream));
                ConvertParams convert;
                convert.from = m_staging.as<>();
                convert.fromType = from;
                convert.to = dst;
                convert.toType = toType;
                convert.n = n;
                SPANSCOPE_CUDA_TRY(launchConvert(m_ctx, convert));
                SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
            }
            SPANSCOPE_TRY(tell(n));
        }
        return {};
    }

  private:
    Status tell(int64_t nValues) {
        m_nDone += nValues;
        if (m_progress && !m_progress(std::min(1.0, static_cast<double>(m_nDone) / static_cast<double>(m_nTotal))))
            return Error{ErrorCode::Cancelled, "loading was cancelled"};
        return {};
    }

    LaunchContext m_ctx;
    const ProgressFn& m_progress;
    int64_t m_nTotal = 0, m_nDone = 0;
    std::vector<float> m_floats;
    std::vector<char> m_quants, m_scales;
    DeviceBuffer m_staging;
};

int64_t valuesOfMatrices(const ModelWeights& weights) {
    int64_t n = 0;
    forEachTensor(weights, [&](const TensorView& t, const TensorSpec& spec, int32_t) {
        if (spec.kind == TensorKind::Matrix) n += values(t);
    });
    return n;
}

struct Layout {
    std::vector<DeviceLayer> layers;
    DeviceMatrix embedding, head;
    const float* finalNorm = nullptr;
    const float2* frequencies = nullptr;
    int64_t widestQuantised = 0;
};
/// One walk serves counting (no uploader) and copying: tensors in memory order.
Status walk(const ModelWeights& w, Element type, Arena& arena, Layout& out, Uploader* uploader) {
    Status status;
    const auto put = [&](const TensorView& t, char* to, Element e) {
        if (status.ok() && uploader && t) status = uploader->put(t, to, e);
    };
    const auto vector = [&](const TensorView& t) -> const float* {
        if (!t) return nullptr;
        char* to = arena.take(static_cast<size_t>(values(t)) * sizeof(float));
        put(t, to, Element::F32);
        return reinterpret_cast<const float*>(to);
    };
    // A matrix in blocks that an adapter changes becomes Plain: its blocks could not hold the sum.
    const auto matrix = [&](std::initializer_list<Adapted> parts) {
        const TensorView& first = *parts.begin()->matrix;
        DeviceMatrix m;
        m.cols = static_cast<int32_t>(first.cols);
        m.format = formatOf(first.dtype);
        for (const Adapted& part : parts) {
            m.rows += static_cast<int32_t>(part.matrix->rows);
            if (formatOf(part.matrix->dtype) != m.format || part.isAdapted()) m.format = MatrixFormat::Plain;
        }
        char* to = arena.take(static_cast<size_t>(m.dataBytes(type)));
        m.data = to;
        if (m.format == MatrixFormat::Plain) {
            for (const Adapted& part : parts) {
                if (status.ok() && uploader) status = uploader->put(part, to, type);
                if (to) to += static_cast<size_t>(values(*part.matrix)) * elementBytes(type);
            }
            return m;
        }
        out.widestQuantised = std::max(out.widestQuantised, m.nValues());
        char* scales = arena.take(static_cast<size_t>(m.nValues() / kQuantBlock) * sizeof(uint16_t));
        m.scales = reinterpret_cast<const uint16_t*>(scales);
        for (const Adapted& part : parts) {
            if (!uploader || !status.ok()) break;
            status = uploader->putBlocks(*part.matrix, to, scales);
            to += static_cast<size_t>(values(*part.matrix) / kQuantBlock) * quantBytes(m.format);
            scales += static_cast<size_t>(values(*part.matrix) / kQuantBlock) * sizeof(uint16_t);
        }
        return m;
    };
    // Biases of a joined matrix: absent parts count as zero.
    const auto bias = [&](std::initializer_list<std::pair<const TensorView*, int64_t>> parts) -> const float* {
        bool any = false;
        int64_t n = 0;
        for (const auto& [t, size] : parts) any = any || *t, n += size;
        if (!any) return nullptr;
        char* to = arena.take(static_cast<size_t>(n) * sizeof(float));
        char* at = to;
        for (const auto& [t, size] : parts) {
            if (*t) {
                put(*t, at, Element::F32);
            } else if (at && status.ok() &&
                       cudaMemset(at, 0, static_cast<size_t>(size) * sizeof(float)) != cudaSuccess) {
                status = cudaError("cudaMemset", cudaGetLastError());
            }
            if (at) at += static_cast<size_t>(size) * sizeof(float);
        }
        return reinterpret_cast<const float*>(to);
    };
    out.embedding = matrix({{&w.embedding, nullptr, &w.embeddingRows}});
    // A tied head whose rows are replaced otherwise than the embedding's is a matrix of its own.
    const bool shared =
        !w.head && w.headRows.ids == w.embeddingRows.ids && w.headRows.rows.data == w.embeddingRows.rows.data;
    out.head = shared ? out.embedding : matrix({{w.head ? &w.head : &w.embedding, nullptr, &w.headRows}});
    out.finalNorm = vector(w.finalNorm);
    const std::vector<float> frequencies = rotationFrequencies(w.shape);
    const float* placed = vector({frequencies.data(), DType::F32, 1, static_cast<int64_t>(frequencies.size())});
    out.frequencies = reinterpret_cast<const float2*>(placed);
    // Pageable memory is staged before an asynchronous copy returns: the vector may go.
    for (size_t i = 0; i < w.layers.size(); ++i) {
        const LayerWeights& l = w.layers[i];
        const LayerAdapter a = w.adapters.empty() ? LayerAdapter{} : w.adapters[i];
        DeviceLayer d;
        d.attnNorm = vector(l.attnNorm);
        d.mlpNorm = vector(l.mlpNorm);
        d.qNorm = vector(l.qNorm);
        d.kNorm = vector(l.kNorm);
        d.postAttnNorm = vector(l.postAttnNorm);
        d.postMlpNorm = vector(l.postMlpNorm);
        d.qkv = matrix({{&l.q, &a.q}, {&l.k, &a.k}, {&l.v, &a.v}});
        d.o = matrix({{&l.o, &a.o}});
        d.gateUp = matrix({{&l.gate, &a.gate}, {&l.up, &a.up}});
        d.down = matrix({{&l.down, &a.down}});
        d.qkvBias = bias({{&l.qBias, l.q.rows}, {&l.kBias, l.k.rows}, {&l.vBias, l.v.rows}});
        d.oBias = bias({{&l.oBias, l.o.rows}});
        d.gateUpBias = bias({{&l.gateBias, l.gate.rows}, {&l.upBias, l.up.rows}});
        d.downBias = bias({{&l.downBias, l.down.rows}});
        out.layers.push_back(d);
        if (!status.ok()) break;
    }
    return status;
}

}  // namespace

std::optional<Element> elementOf(DType dtype) {
    switch (dtype) {
        case DType::F32: return Element::F32;
        case DType::F16: return Element::F16;
        case DType::BF16: return Element::BF16;
        default: return std::nullopt;
    }
}

DType dtypeOf(Element element) {
    switch (element) {
        case Element::F32: break;
        case Element::F16: return DType::F16;
        case Element::BF16: return DType::BF16;
    }
    return DType::F32;
}

Element DeviceWeights::typeFor(const ModelWeights& weights) { return *elementOf(cudaMatrixType(weights)); }

size_t DeviceWeights::bytesFor(const ModelWeights& weights) {
    Arena count(nullptr);
    Layout layout;
    (void)walk(weights, typeFor(weights), count, layout, nullptr).ok();
    return count.used();
}

size_t DeviceWeights::widenedBytesFor(const ModelWeights& weights) {
    Arena count(nullptr);
    Layout layout;
    (void)walk(weights, typeFor(weights), count, layout, nullptr).ok();
    return static_cast<size_t>(layout.widestQuantised) * elementBytes(typeFor(weights));
}

Status DeviceWeights::load(const ModelWeights& weights, const LaunchContext& ctx, const ProgressFn& progress) {
    m_type = typeFor(weights);
    SPANSCOPE_TRY(m_memory.allocate("the model's weights", bytesFor(weights)));
    Uploader uploader(ctx, progress, valuesOfMatrices(weights));
    Arena arena(m_memory.as<char>());
    Layout layout;
    SPANSCOPE_TRY(walk(weights, m_type, arena, layout, &uploader));
    SPANSCOPE_CUDA_TRY(cudaDeviceSynchronize());  // the biases were cleared on another stream
    m_layers = std::move(layout.layers);
    m_embedding = layout.embedding;
    m_head = layout.head;
    m_finalNorm = layout.finalNorm;
    m_frequencies = layout.frequencies;
    return {};
}

}  // namespace spanscope::cuda
