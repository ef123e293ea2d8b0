#include "kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <cstdio>

#include "kernels/backends.h"
#include "kernels/checks.h"
#include "kernels/cuda/step/elementwise.h"

namespace spanscope::cuda {
namespace {

constexpr int32_t kMaxChunkTokens = 2048;
constexpr size_t kHeadroomBytes = size_t{256} << 20;  // CUDA's own needs, cuBLAS kernels, graphs

int32_t qkvRows(const ModelShape& s) { return (s.nHeads + 2 * s.nKvHeads) * s.headDim; }

Error unsupported(const char* message, const std::string& found, const std::string& expected) {
    Error e = invalidArgument(message, found, expected);
    e.code = ErrorCode::Unsupported;
    return e;
}

}  // namespace

Result<std::unique_ptr<CudaBackend>> CudaBackend::create(const ModelWeights& weights, const BackendOptions& options,
                                                         const ProgressFn& progress) {
    std::unique_ptr<CudaBackend> backend(new CudaBackend());
    if (Status s = backend->open(weights, options, progress); !s) return s.error();
    return backend;
}

CudaBackend::~CudaBackend() {
    if (m_ctx.stream) (void)cudaStreamSynchronize(m_ctx.stream);
    for (auto& [bucket, graph] : m_graphs) (void)cudaGraphExecDestroy(graph);
    for (cudaEvent_t e : m_marks) (void)cudaEventDestroy(e);
    if (m_begin) (void)cudaEventDestroy(m_begin);
    if (m_end) (void)cudaEventDestroy(m_end);
    if (m_ctx.stream) (void)cudaStreamDestroy(m_ctx.stream);
}

Status CudaBackend::open(const ModelWeights& weights, const BackendOptions& options, const ProgressFn& progress) {
    SPANSCOPE_TRY(checkWeights(weights));
    m_shape = weights.shape;
    m_options = options;
    const auto text = [](auto v) { return std::to_string(v); };
    if (options.maxBatch < 1 || options.maxBatch > kMaxBatch)
        return invalidArgument("sequences decoded together", text(options.maxBatch), "1 to " + text(kMaxBatch));
    constexpr int64_t kMostTokens = int64_t{1} << 30;  // positions and page visits are 32-bit
    if (options.kvTokens < 1 || options.kvTokens > kMostTokens)
        return invalidArgument("tokens of KV cache", text(options.kvTokens), "1 to " + text(kMostTokens));
    const DType kvType = options.kvType.value_or(defaultKvType(Device::Cuda, weights));
    const std::optional<Element> kvElement = elementOf(kvType);
    if (!kvElement) return unsupported("KV cache type", dtypeName(kvType), "F32, F16 or BF16");
    if (!spanAttentionTakes(m_shape.headDim))
        return unsupported("headDim", text(m_shape.headDim), "a multiple of 8 up to 256");
    if (m_shape.hidden % 8 || m_shape.ffn % 8)
        return unsupported("hidden and ffn sizes", text(m_shape.hidden) + " and " + text(m_shape.ffn),
                           "multiples of 8");

    int nDevices = 0;
    const cudaError_t counted = cudaGetDeviceCount(&nDevices);
    if (counted != cudaSuccess) return cudaError("cudaGetDeviceCount", counted);
    if (nDevices == 0) return Error{ErrorCode::Device, "no CUDA device is present"};
    SPANSCOPE_TRY(openContext(m_device, m_ctx, m_deviceName));
    m_kvType = *kvElement;
    m_weightType = DeviceWeights::typeFor(weights);
    m_nPages = static_cast<int32_t>((options.kvTokens + kPageTokens - 1) / kPageTokens);
    m_maxBucket = bucketFor(options.maxBatch);

    // Forecast: say so before loading anything.
    const size_t kvBytes = static_cast<size_t>(m_shape.nLayers) * static_cast<size_t>(m_nPages) *
                           static_cast<size_t>(m_shape.nKvHeads * 2 * kPageTokens * m_shape.headDim) *
                           elementBytes(m_kvType);
    const size_t wanted =
        DeviceWeights::bytesFor(weights) + DeviceWeights::widenedBytesFor(weights) + kvBytes + kHeadroomBytes;
    size_t freeBytes = 0, totalBytes = 0;
    SPANSCOPE_CUDA_TRY(cudaMemGetInfo(&freeBytes, &totalBytes));
    if (wanted > freeBytes) return outOfMemory("the model with its KV cache", wanted, freeBytes);

    SPANSCOPE_CUDA_TRY(cudaEventCreate(&m_begin));
    SPANSCOPE_CUDA_TRY(cudaEventCreate(&m_end));
    SPANSCOPE_TRY(m_gemm.open());
    SPANSCOPE_TRY(m_kv.allocate("the KV cache", kvBytes));
    SPANSCOPE_TRY(allocate());
    SPANSCOPE_TRY(m_weights.load(weights, m_ctx, progress));
    SPANSCOPE_TRY(m_widened.allocate("a widened matrix", DeviceWeights::widenedBytesFor(weights)));
    m_freePages.resize(static_cast<size_t>(m_nPages));
    for (int32_t i = 0; i < m_nPages; ++i) m_freePages[static_cast<size_t>(i)] = m_nPages - 1 - i;
    return {};
}

Status CudaBackend::allocate() {
    const ModelShape& s = m_shape;
    const auto u = [](int64_t v) { return static_cast<size_t>(v); };
    const size_t b = u(m_maxBucket), qWidth = u(s.nHeads * s.headDim), qkv = u(qkvRows(s)), wide = 2 * u(s.ffn);
    constexpr size_t kF = sizeof(float);
    SPANSCOPE_TRY(m_items.allocate("step input", b * sizeof(StepItem)));
    SPANSCOPE_TRY(m_results.allocate("step results", b * sizeof(StepResult)));
    SPANSCOPE_TRY(m_intervals.allocate("interval lists", u(m_options.maxBatch) * 256 * sizeof(Interval)));
    struct Want {
        DeviceBuffer* buffer;
        const char* what;
        size_t nBytes;
    };
    const SpanAttentionScratch scratch = spanAttentionScratch(m_ctx.nSm, m_maxBucket, s.nHeads, s.nKvHeads, s.headDim);
    m_chunkTokens = std::min(kMaxChunkTokens, m_nPages * kPageTokens);
    m_maxKeyTiles = (m_nPages * kPageTokens + kPrefillTile - 1) / kPrefillTile;
    const size_t c = u(m_chunkTokens), queryTiles = (c + kPrefillTile - 1) / kPrefillTile;
    const size_t half = u(s.headDim / 2);
    const size_t pAct = elementBytes(m_weightType);
    const Want wants[] = {
        {&m_rows, "rows", b * sizeof(BatchRow)},
        {&m_rotation, "rotations", b * half * 2 * kF},
        {&m_x, "residual stream", b * u(s.hidden) * kF},
        {&m_normed, "normalised activations", b * u(s.hidden) * kF},
        {&m_qkv, "projections", b * qkv * kF},
        {&m_q, "queries", b * qWidth * kF},
        {&m_attended, "attention output", b * qWidth * kF},
        {&m_gateUp, "gate and up", b * wide * kF},
        {&m_hidden, "hidden activations", b * u(s.ffn) * kF},
        {&m_logits, "logits", b * u(s.vocab) * kF},
        {&m_attentionWork, "shares of attention", scratch.workBytes},
        {&m_partialO, "partial attention", scratch.partialOBytes},
        {&m_partialMl, "partial softmax", scratch.partialMlBytes},
        {&m_arrived, "arrival counters", scratch.arrivedBytes},
        {&m_shared, "arrival counter of rows", sizeof(int32_t)},
        {&m_pTokens, "prompt tokens", c * sizeof(int32_t)},
        {&m_pRotation, "prompt rotations", c * half * 2 * kF},
        {&m_pX, "prompt residual stream", c * u(s.hidden) * kF},
        {&m_pNormed, "prompt activations", c * std::max(u(s.hidden), qWidth) * pAct},
        {&m_pWide, "prompt projections", c * std::max(qkv, wide) * pAct},
        {&m_pNarrow, "prompt queries", c * std::max(u(s.ffn), qWidth) * pAct},
        {&m_pTiles, "prompt tiles", queryTiles * u(m_maxKeyTiles) * sizeof(uint32_t)},
        {&m_pTileCounts, "prompt tile counts", queryTiles * sizeof(int32_t)},
    };
    for (const Want& w : wants) SPANSCOPE_TRY(w.buffer->allocate(w.what, w.nBytes));
    SPANSCOPE_CUDA_TRY(cudaMemsetAsync(m_arrived.as<>(), 0, m_arrived.nBytes(), m_ctx.stream));
    SPANSCOPE_CUDA_TRY(cudaMemsetAsync(m_shared.as<>(), 0, m_shared.nBytes(), m_ctx.stream));
    SPANSCOPE_CUDA_TRY(cudaMemsetAsync(m_attended.as<>(), 0, m_attended.nBytes(), m_ctx.stream));
    return {};
}

BackendInfo CudaBackend::info() const { return {"cuda", m_deviceName, 0, dtypeOf(m_kvType)}; }

CudaBackend::Sequence* CudaBackend::find(SequenceId id) {
    const auto it = m_sequences.find(id.value);
    return it == m_sequences.end() ? nullptr : &it->second;
}
const CudaBackend::Sequence* CudaBackend::find(SequenceId id) const {
    const auto it = m_sequences.find(id.value);
    return it == m_sequences.end() ? nullptr : &it->second;
}

void* CudaBackend::kvOfLayer(size_t layer) const {
    const size_t bytes = static_cast<size_t>(m_nPages) *
                         static_cast<size_t>(m_shape.nKvHeads * 2 * kPageTokens * m_shape.headDim) *
                         elementBytes(m_kvType);
    return m_kv.as<char>() + layer * bytes;
}

Result<SequenceId> CudaBackend::createSequence(int32_t capacityTokens) {
    if (m_lost) return m_lostError;
    if (capacityTokens <= 0) return invalidArgument("capacity of a sequence", std::to_string(capacityTokens));
    const size_t n = static_cast<size_t>((static_cast<int64_t>(capacityTokens) + kPageTokens - 1) / kPageTokens);
    if (n > m_freePages.size()) {
        Error e =
            invalidArgument("too few KV pages are free", std::to_string(m_freePages.size() * kPageTokens) + " tokens",
                            std::to_string(n * kPageTokens) + " tokens");
        e.code = ErrorCode::OutOfMemory;
        return e;
    }
    Sequence s;
    s.capacity = capacityTokens;
    const size_t tableBytes = (n * sizeof(int32_t) + 15) / 16 * 16;
    SPANSCOPE_TRY(s.memory.allocate("a sequence's page table", 16 + tableBytes + n * sizeof(KeptPage)));
    s.state = s.memory.as<SequenceState>();
    s.table = reinterpret_cast<int32_t*>(s.memory.as<char>() + 16);
    s.kept = reinterpret_cast<KeptPage*>(s.memory.as<char>() + 16 + tableBytes);
    s.pages.assign(m_freePages.end() - static_cast<std::ptrdiff_t>(n), m_freePages.end());
    std::reverse(s.pages.begin(), s.pages.end());
    const cudaError_t copied =  // on the backend's stream: it does not wait for the default one
        cudaMemcpyAsync(s.table, s.pages.data(), n * sizeof(int32_t), cudaMemcpyHostToDevice, m_ctx.stream);
    if (copied != cudaSuccess) {
        if (Status lost = guard(cudaError("cudaMemcpyAsync", copied)); !lost) return lost.error();
    }
    m_freePages.resize(m_freePages.size() - n);
    const int32_t id = m_nextId++;
    m_sequences.emplace(id, std::move(s));
    return SequenceId{id};
}

void CudaBackend::freeSequence(SequenceId id) {
    const auto it = m_sequences.find(id.value);
    if (it == m_sequences.end()) return;
    m_freePages.insert(m_freePages.end(), it->second.pages.rbegin(), it->second.pages.rend());
    m_sequences.erase(it);
}

int32_t CudaBackend::storedTokens(SequenceId id) const {
    const Sequence* s = find(id);
    return s ? s->stored : 0;
}

void CudaBackend::truncate(SequenceId id, int32_t nTokens) {
    Sequence* s = find(id);
    if (!s || nTokens < 0 || nTokens >= s->stored) return;
    s->stored = nTokens;
    s->maskId = 0;
}

size_t CudaBackend::bytesHeld() const {
    size_t n = m_weights.nBytes() + m_gemm.bytesHeld();
    for (const DeviceBuffer* b :
         {&m_kv,       &m_rows,    &m_rotation, &m_x,           &m_normed,        &m_qkv,       &m_q,
          &m_attended, &m_gateUp,  &m_hidden,   &m_logits,      &m_attentionWork, &m_partialO,  &m_partialMl,
          &m_arrived,  &m_shared,  &m_widened,  &m_pTokens,     &m_pRotation,     &m_pX,        &m_pNormed,
          &m_pWide,    &m_pNarrow, &m_pTiles,   &m_pTileCounts, &m_pRuns,         &m_pIntervals})
        n += b->nBytes();
    for (const auto& [id, s] : m_sequences) n += s.memory.nBytes();
    return n;
}

Status CudaBackend::fillWithNoise(SequenceId id, int32_t nTokens, uint32_t seed) {
    Sequence* s = find(id);
    if (!s || nTokens < 0 || nTokens > s->capacity) return invalidArgument("tokens of noise", std::to_string(nTokens));
    const int64_t perPage = int64_t{m_shape.nKvHeads} * 2 * kPageTokens * m_shape.headDim;
    for (size_t l = 0; l < m_weights.layers().size(); ++l)
        for (size_t i = 0; i < s->pages.size() && static_cast<int32_t>(i) * kPageTokens < nTokens;) {
            size_t run = 1;  // neighbouring pages in one launch
            while (i + run < s->pages.size() && s->pages[i + run] == s->pages[i] + static_cast<int32_t>(run)) ++run;
            NoiseParams noise;
            noise.to =
                static_cast<char*>(kvOfLayer(l)) + static_cast<size_t>(s->pages[i] * perPage) * elementBytes(m_kvType);
            noise.type = m_kvType;
            noise.n = perPage * static_cast<int64_t>(run);
            noise.seed = seed + static_cast<uint32_t>(l * 977 + i);
            SPANSCOPE_CUDA_TRY(launchNoise(m_ctx, noise));
            i += run;
        }
    SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
    s->stored = nTokens;
    s->maskId = 0;
    return {};
}

void CudaBackend::setAheadBytes(int64_t nBytes) {
    m_aheadForced = nBytes;
    dropGraphs();
}

void CudaBackend::setSkinny(int32_t on) {
    m_skinnyForced = on;
    dropGraphs();
}

int32_t CudaBackend::nOwnProducts(int32_t bucket) const {
    if (usesGemv(bucket)) return kNMatrices;
    const StepChoice choice = choiceOf(bucket);
    return static_cast<int32_t>(std::count(choice.skinny.begin(), choice.skinny.end(), true));
}

void CudaBackend::dropGraphs() {
    for (auto& [bucket, graph] : m_graphs) (void)cudaGraphExecDestroy(graph);
    m_graphs.clear();
}

Status CudaBackend::guard(Status status) {
    if (!status.ok() && status.error().code == ErrorCode::Device) {
        m_lost = true;
        m_lostError = status.error();
    }
    return status;
}

Status CudaBackend::mark(Stage stage, const LaunchContext& ctx) {
    if (!m_profiling) return {};
    if (m_markStages.size() == m_marks.size()) {
        cudaEvent_t e = nullptr;
        SPANSCOPE_CUDA_TRY(cudaEventCreate(&e));
        m_marks.push_back(e);
    }
    SPANSCOPE_CUDA_TRY(cudaEventRecord(m_marks[m_markStages.size()], ctx.stream));
    m_markStages.push_back(stage);
    return {};
}

Status CudaBackend::collectMarks() {
    if (!m_profiling || m_markStages.empty()) return {};
    SPANSCOPE_CUDA_TRY(cudaEventSynchronize(m_marks[m_markStages.size() - 1]));
    for (size_t i = 0; i < m_markStages.size(); ++i) {
        float ms = 0.f;
        SPANSCOPE_CUDA_TRY(cudaEventElapsedTime(&ms, i == 0 ? m_begin : m_marks[i - 1], m_marks[i]));
        const int64_t ns = static_cast<int64_t>(static_cast<double>(ms) * 1e6);
        if (m_markStages[i] == Stage::Attention) m_times.attentionNs += ns;
        else if (m_markStages[i] == Stage::Matmul) m_times.matmulNs += ns;
        else m_times.otherNs += ns;
    }
    m_markStages.clear();
    return {};
}

Status CudaBackend::finishTiming() {
    float ms = 0.f;
    SPANSCOPE_CUDA_TRY(cudaEventElapsedTime(&ms, m_begin, m_end));
    m_lastNs = static_cast<int64_t>(static_cast<double>(ms) * 1e6);
    return collectMarks();
}

}  // namespace spanscope::cuda
