#include "kernels/cuda/weights.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "kernels/cuda/elementwise.h"
#include "kernels/reference/dequantize.h"

namespace spanscope::cuda {
namespace {

constexpr size_t kAlign = 256;
constexpr int64_t kChunkValues = int64_t{16} << 20;

size_t aligned(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

std::optional<Element> elementOf(DType dtype) {
    switch (dtype) {
        case DType::F32: return Element::F32;
        case DType::F16: return Element::F16;
        case DType::BF16: return Element::BF16;
        default: return std::nullopt;
    }
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

/// Moves tensors up, a chunk at a time so that progress is told and cancelling works.
class Uploader {
  public:
    Uploader(const LaunchContext& ctx, const ProgressFn& progress, int64_t nTotal)
        : m_ctx(ctx), m_progress(progress), m_nTotal(nTotal) {}

    Status put(const TensorView& t, char* to, Element toType) {
        const std::optional<Element> from = elementOf(t.dtype);
        // Whole rows at a time: quantised formats have no smaller unit.
        const int64_t rowsPerChunk = std::max<int64_t>(1, kChunkValues / std::max<int64_t>(1, t.cols));
        const size_t fromRow = rowBytes(t.dtype, t.cols);
        for (int64_t r = 0; r < t.rows; r += rowsPerChunk) {
            const int64_t nRows = std::min(rowsPerChunk, t.rows - r), n = nRows * t.cols;
            const char* src = static_cast<const char*>(t.data) + static_cast<size_t>(r) * fromRow;
            char* dst = to + static_cast<size_t>(r * t.cols) * elementBytes(toType);
            if (from == toType) {
                SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(dst, src, static_cast<size_t>(nRows) * fromRow, cudaMemcpyHostToDevice,
                                                   m_ctx.stream));
            } else {
                const void* raw = src;
                size_t nBytes = static_cast<size_t>(nRows) * fromRow;
                if (!from) {
                    m_floats.resize(static_cast<size_t>(n));
                    for (int64_t i = 0; i < nRows; ++i)
                        dequantizeRow(t.dtype, src + static_cast<size_t>(i) * fromRow, t.cols,
                                      m_floats.data() + static_cast<size_t>(i * t.cols));
                    raw = m_floats.data();
                    nBytes = m_floats.size() * sizeof(float);
                }
                if (m_staging.nBytes() < nBytes) SPANSCOPE_TRY(m_staging.allocate("staging of weights", nBytes));
                SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(m_staging.as<>(), raw, nBytes, cudaMemcpyHostToDevice, m_ctx.stream));
                ConvertParams convert;
                convert.from = m_staging.as<>();
                convert.fromType = from.value_or(Element::F32);
                convert.to = dst;
                convert.toType = toType;
                convert.n = n;
                SPANSCOPE_CUDA_TRY(launchConvert(m_ctx, convert));
                SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
            }
            m_nDone += n;
            if (m_progress && !m_progress(std::min(1.0, static_cast<double>(m_nDone) / static_cast<double>(m_nTotal))))
                return Error{ErrorCode::Cancelled, "loading was cancelled", {}, {}, {}, {}};
        }
        return {};
    }

  private:
    LaunchContext m_ctx;
    const ProgressFn& m_progress;
    int64_t m_nTotal = 1, m_nDone = 0;
    std::vector<float> m_floats;
    DeviceBuffer m_staging;
};

int64_t values(const TensorView& t) { return t ? t.rows * t.cols : 0; }

template <class Fn>
void forEachMatrix(const ModelWeights& w, const Fn& fn) {
    fn(w.embedding);
    if (w.head) fn(w.head);
    for (const LayerWeights& l : w.layers)
        for (const TensorView* t : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down}) fn(*t);
}

/// One walk serves counting and copying: `visit(tensor, destination, type)` for each tensor in memory order.
struct Layout {
    std::vector<DeviceLayer> layers;
    const void* embedding = nullptr;
    const void* head = nullptr;
    const float* finalNorm = nullptr;
    const float* invFreq = nullptr;
};
template <class Visit>
Status walk(const ModelWeights& w, Element type, Arena& arena, Layout& out, const Visit& visit) {
    Status status;
    const auto join = [&](std::initializer_list<const TensorView*> parts, Element e) -> char* {
        int64_t n = 0;
        for (const TensorView* t : parts) n += values(*t);
        char* to = arena.take(static_cast<size_t>(n) * elementBytes(e));
        char* at = to;
        for (const TensorView* t : parts) {
            if (status.ok() && *t) status = visit(*t, at, e);
            if (at) at += static_cast<size_t>(values(*t)) * elementBytes(e);
        }
        return to;
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
                if (status.ok()) status = visit(*t, at, Element::F32);
            } else if (at && status.ok() &&
                       cudaMemset(at, 0, static_cast<size_t>(size) * sizeof(float)) != cudaSuccess) {
                status = cudaError("cudaMemset", cudaGetLastError());
            }
            if (at) at += static_cast<size_t>(size) * sizeof(float);
        }
        return reinterpret_cast<const float*>(to);
    };
    const auto vector = [&](const TensorView& t) { return reinterpret_cast<const float*>(join({&t}, Element::F32)); };
    out.embedding = join({&w.embedding}, type);
    out.head = w.head ? join({&w.head}, type) : out.embedding;
    out.finalNorm = vector(w.finalNorm);
    TensorView freq;
    freq.data = w.shape.ropeInvFreq.data();
    freq.rows = 1;
    freq.cols = static_cast<int64_t>(w.shape.ropeInvFreq.size());
    out.invFreq = vector(freq);
    for (const LayerWeights& l : w.layers) {
        DeviceLayer d;
        d.attnNorm = vector(l.attnNorm);
        d.mlpNorm = vector(l.mlpNorm);
        d.qkv = join({&l.q, &l.k, &l.v}, type);
        d.o = join({&l.o}, type);
        d.gateUp = join({&l.gate, &l.up}, type);
        d.down = join({&l.down}, type);
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

Element DeviceWeights::typeFor(const ModelWeights& weights) {
    bool quantised = false, mixed = false;
    std::optional<Element> common;
    forEachMatrix(weights, [&](const TensorView& t) {
        const std::optional<Element> e = elementOf(t.dtype);
        if (!e) quantised = true;
        else if (!common) common = e;
        else if (common != e) mixed = true;
    });
    if (quantised) return Element::F16;
    return mixed || !common ? Element::F32 : *common;
}

size_t DeviceWeights::bytesFor(const ModelWeights& weights) {
    Arena count(nullptr);
    Layout layout;
    (void)walk(weights, typeFor(weights), count, layout, [](const TensorView&, char*, Element) { return Status(); }).ok();
    return count.used();
}

Status DeviceWeights::load(const ModelWeights& weights, const LaunchContext& ctx, const ProgressFn& progress) {
    m_type = typeFor(weights);
    SPANSCOPE_TRY(m_memory.allocate("the model's weights", bytesFor(weights)));
    int64_t nTotal = 1;
    forEachMatrix(weights, [&](const TensorView& t) { nTotal += values(t); });
    Uploader uploader(ctx, progress, nTotal);
    Arena arena(m_memory.as<char>());
    Layout layout;
    SPANSCOPE_TRY(walk(weights, m_type, arena, layout,
                       [&](const TensorView& t, char* to, Element e) { return uploader.put(t, to, e); }));
    SPANSCOPE_CUDA_TRY(cudaDeviceSynchronize());  // the biases were cleared on another stream
    m_layers = std::move(layout.layers);
    m_embedding = layout.embedding;
    m_head = layout.head;
    m_finalNorm = layout.finalNorm;
    m_invFreq = layout.invFreq;
    return {};
}

}  // namespace spanscope::cuda
