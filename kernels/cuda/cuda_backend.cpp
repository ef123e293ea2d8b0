#include "kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <chrono>

#include "kernels/backends.h"
#include "kernels/checks.h"

namespace spanscope::cuda {
namespace {

constexpr size_t kHeadroomBytes = size_t{256} << 20;  // CUDA's own needs, cuBLAS kernels, graphs

Error unsupported(const char* message, const std::string& found, const std::string& expected) {
    Error e = invalidArgument(message, found, expected);
    e.code = ErrorCode::Unsupported;
    return e;
}

bool sameList(std::span<const Interval> a, std::span<const Interval> b) {
    return (a.data() == b.data() && a.size() == b.size()) ||
           std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Interval& x, const Interval& y) { return x.begin == y.begin && x.end == y.end; });
}

int64_t nowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Result<std::unique_ptr<CudaBackend>> CudaBackend::create(const ModelWeights& weights, const BackendOptions& options,
                                                         const ProgressFn& progress) {
    std::unique_ptr<CudaBackend> backend(new CudaBackend());
    if (Status s = backend->open(weights, options, progress); !s) return s.error();
    return backend;
}

CudaBackend::CudaBackend()
    : m_products(m_model.weights),
      m_launcher(m_model, m_buffers, m_io, m_products, m_timer),
      m_tuner(m_model, m_buffers, m_launcher, m_products, m_timer),
      m_prefill(m_model, m_buffers, m_products, m_timer) {}

CudaBackend::~CudaBackend() {
    if (!m_ctx.stream) return;
    (void)cudaStreamSynchronize(m_ctx.stream);
    m_graphs.clear();
    (void)cudaStreamDestroy(m_ctx.stream);
}

Status CudaBackend::open(const ModelWeights& weights, const BackendOptions& options, const ProgressFn& progress) {
    SPANSCOPE_TRY(checkWeights(weights));
    const ModelShape& s = weights.shape;
    const auto text = [](auto v) { return std::to_string(v); };
    if (options.maxBatch < 1 || options.maxBatch > kMaxBatch)
        return invalidArgument("sequences decoded together", text(options.maxBatch), "1 to " + text(kMaxBatch));
    constexpr int64_t kMostTokens = int64_t{1} << 30;  // positions and page visits are 32-bit
    if (options.kvTokens < 1 || options.kvTokens > kMostTokens)
        return invalidArgument("tokens of KV cache", text(options.kvTokens), "1 to " + text(kMostTokens));
    const DType kvType = options.kvType.value_or(defaultKvType(Device::Cuda, weights));
    const std::optional<Element> kvElement = elementOf(kvType);
    if (!kvElement) return unsupported("KV cache type", dtypeName(kvType), "F32, F16 or BF16");
    if (!spanAttentionTakes(s.headDim)) return unsupported("headDim", text(s.headDim), "a multiple of 8 up to 256");
    if (s.hidden % 8 || s.ffn % 8)
        return unsupported("hidden and ffn sizes", text(s.hidden) + " and " + text(s.ffn), "multiples of 8");

    int nDevices = 0;
    const cudaError_t counted = cudaGetDeviceCount(&nDevices);
    if (counted != cudaSuccess) return cudaError("cudaGetDeviceCount", counted);
    if (nDevices == 0) return Error{ErrorCode::Device, "no CUDA device is present"};
    SPANSCOPE_TRY(openContext(0, m_ctx, m_deviceName));
    m_maxBatch = options.maxBatch;
    m_model.shape = s;
    m_model.windows = windowsOf(s, options.kvTokens + kPageTokens);
    if (m_model.windows.size() > kMaxWindows)
        return unsupported("different windows of layers", text(m_model.windows.size()), "at most " + text(kMaxWindows));

    // Forecast: say so before loading anything.
    const int32_t nPages = static_cast<int32_t>((options.kvTokens + kPageTokens - 1) / kPageTokens);
    const size_t widenedBytes = DeviceWeights::widenedBytesFor(weights);
    const size_t wanted =
        DeviceWeights::bytesFor(weights) + widenedBytes + KvPool::bytesFor(s, nPages, *kvElement) + kHeadroomBytes;
    size_t freeBytes = 0, totalBytes = 0;
    SPANSCOPE_CUDA_TRY(cudaMemGetInfo(&freeBytes, &totalBytes));
    if (wanted > freeBytes) return outOfMemory("the model with its KV cache", wanted, freeBytes);

    const int32_t maxBucket = bucketFor(m_maxBatch);
    SPANSCOPE_TRY(m_timer.open());
    SPANSCOPE_TRY(m_model.kv.open(s, nPages, *kvElement, !m_model.windows.empty(), m_ctx.stream));
    SPANSCOPE_TRY(m_io.open(maxBucket, m_maxBatch));
    SPANSCOPE_TRY(m_buffers.allocate(m_model, m_ctx, maxBucket));
    SPANSCOPE_TRY(m_prefill.allocate(DeviceWeights::typeFor(weights)));
    SPANSCOPE_TRY(m_model.weights.load(weights, m_ctx, progress));
    return m_products.open(widenedBytes);
}

BackendInfo CudaBackend::info() const {
    BackendInfo info{"cuda", m_deviceName, 0, dtypeOf(m_model.kv.type())};
    // Where a window is part of the lists, those of neighbouring tokens differ.
    info.maxBatch = m_maxBatch;
    info.manyOfOne = m_model.shape.slidingWindow == 0;
    return info;
}

Result<SequenceId> CudaBackend::createSequence(int32_t capacityTokens) {
    if (m_lost) return m_lostError;
    Result<SequenceId> created = m_model.kv.createSequence(capacityTokens, m_ctx.stream);
    if (!created) (void)guard(created.error()).ok();
    return created;
}

int32_t CudaBackend::storedTokens(SequenceId id) const {
    const KvSequence* s = m_model.kv.find(id);
    return s ? s->stored : 0;
}

void CudaBackend::truncate(SequenceId id, int32_t nTokens) {
    KvSequence* s = m_model.kv.find(id);
    if (!s || nTokens < 0 || nTokens >= s->stored) return;
    s->stored = nTokens;
    s->maskId = 0;
}

size_t CudaBackend::bytesHeld() const {
    return m_model.weights.nBytes() + m_model.kv.bytesHeld() + m_products.bytesHeld() + m_buffers.nBytes() +
           m_prefill.nBytes();
}

Status CudaBackend::prefill(SequenceId id, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                            std::span<float> maybeLogits) {
    if (m_lost) return m_lostError;
    m_nLate = 0;
    KvSequence* s = m_model.kv.find(id);
    if (!s) return invalidArgument("unknown sequence", std::to_string(id.value));
    const size_t vocab = static_cast<size_t>(m_model.shape.vocab);
    SPANSCOPE_TRY(checkTokens(tokens, m_model.shape.vocab));
    const int64_t after = static_cast<int64_t>(s->stored) + static_cast<int64_t>(tokens.size());
    if (after > s->capacity)
        return invalidArgument("prompt is longer than the sequence's capacity", std::to_string(after),
                               "at most " + std::to_string(s->capacity));
    SPANSCOPE_TRY(checkRuns(runs, static_cast<int32_t>(tokens.size())));
    if (!maybeLogits.empty() && maybeLogits.size() != vocab && maybeLogits.size() != vocab * tokens.size())
        return invalidArgument("size of the logits", std::to_string(maybeLogits.size()),
                               std::to_string(vocab) + " or " + std::to_string(vocab * tokens.size()));
    if (tokens.empty()) return {};
    s->maskId = 0;
    const int32_t before = s->stored;
    const auto work = [&]() -> Status {
        SPANSCOPE_TRY(m_timer.begin(m_ctx.stream));
        SPANSCOPE_TRY(m_prefill.run(m_ctx, *s, tokens, runs, maybeLogits));
        SPANSCOPE_TRY(m_timer.end(m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
        return m_timer.finish();
    };
    Status done = guard(work());
    if (!done) s->stored = before;
    return done;
}

Status CudaBackend::checkItems(std::span<const DecodeItem> items, const DecodeOutput& output) {
    const size_t n = items.size(), vocab = static_cast<size_t>(m_model.shape.vocab);
    if (items.empty() || n > static_cast<size_t>(m_maxBatch))
        return invalidArgument("rows of a decode step", std::to_string(n), "1 to " + std::to_string(m_maxBatch));
    for (size_t i = 0; i < n; ++i) {
        const DecodeItem& item = items[i];
        const KvSequence* s = m_model.kv.find(item.sequence);
        if (!s) return invalidArgument("unknown sequence", std::to_string(item.sequence.value));
        int32_t stored = s->stored;
        for (size_t j = 0; j < i; ++j) {
            if (items[j].sequence != item.sequence) continue;
            if (items[i - 1].sequence != item.sequence)
                return invalidArgument("a sequence twice in one decode step, not in neighbouring rows",
                                       std::to_string(item.sequence.value));
            ++stored;
        }
        if (stored > s->stored && !sameList(items[i - 1].visible, item.visible))
            return unsupported("list of a row whose sequence has the row before it", "another one",
                               "that of the row before it");
        SPANSCOPE_TRY(checkTokens({&item.token, 1}, m_model.shape.vocab));
        if (item.position != stored)
            return invalidArgument("position of the next token", std::to_string(item.position), std::to_string(stored));
        if (item.position >= s->capacity)
            return invalidArgument("sequence is full", std::to_string(item.position + 1) + " tokens",
                                   "at most " + std::to_string(s->capacity));
        if (item.maskId == 0 || item.maskId != s->maskId) SPANSCOPE_TRY(checkIntervals(item.visible, "decode"));
    }
    if (!output.argmax.empty() && output.argmax.size() != n)
        return invalidArgument("size of argmax", std::to_string(output.argmax.size()), std::to_string(n));
    if (!output.argmaxLogprob.empty() && output.argmaxLogprob.size() != n)
        return invalidArgument("size of argmaxLogprob", std::to_string(output.argmaxLogprob.size()), std::to_string(n));
    if (!output.maybeLogits.empty() && output.maybeLogits.size() != n * vocab)
        return invalidArgument("size of the logits", std::to_string(output.maybeLogits.size()),
                               std::to_string(n * vocab));
    return {};
}

/// Writes the input, launches the step's graph, waits, and reads one token and its probability per row. The first step
/// of a graph is launched kernel by kernel and then captured; so is every step while profiling, but not captured.
Status CudaBackend::runStep(std::span<const DecodeItem> items, const DecodeOutput& output, int64_t beganNs) {
    const size_t n = items.size(), vocab = static_cast<size_t>(m_model.shape.vocab);
    const int32_t bucket = bucketFor(static_cast<int32_t>(n));
    SPANSCOPE_TRY(m_io.writeItems(items, bucket, m_model.kv));
    const std::pair key{bucket, queriesOfLaunch(m_io.mostQueries(), m_model.shape.nHeads / m_model.shape.nKvHeads)};
    const auto graph = m_graphs.find(key);
    const bool profiling = m_timer.profiling(), direct = profiling || graph == m_graphs.end();
    if (direct && !profiling) SPANSCOPE_TRY(m_tuner.tuneGemms(m_ctx, bucket));
    m_lastHostNs = nowNs() - beganNs;
    SPANSCOPE_TRY(m_timer.begin(m_ctx.stream));
    if (direct) {
        const LaunchContext ctx = profiling ? withoutDependentLaunch(m_ctx) : m_ctx;
        SPANSCOPE_TRY(m_launcher.enqueue(ctx, bucket, m_tuner.choice(m_ctx, bucket), {}));
    } else {
        SPANSCOPE_TRY(graph->second.launch(m_ctx.stream));
    }
    SPANSCOPE_TRY(m_timer.end(m_ctx.stream));
    if (!output.maybeLogits.empty())
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(output.maybeLogits.data(), m_buffers.logits.as<>(),
                                           n * vocab * sizeof(float), cudaMemcpyDeviceToHost, m_ctx.stream));
    SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
    SPANSCOPE_TRY(m_timer.finish());
    for (size_t i = 0; i < n; ++i) {  // before the step may be repeated for measuring
        if (!output.argmax.empty()) output.argmax[i] = m_io.result(i).argmax;
        if (!output.argmaxLogprob.empty()) output.argmaxLogprob[i] = m_io.result(i).logprob;
    }
    if (!direct || profiling) return {};
    GraphExec tuned;  // the next step of this size
    SPANSCOPE_TRY(m_tuner.tuneStep(m_ctx, bucket, tuned));
    m_graphs[key] = std::move(tuned);
    return {};
}

Status CudaBackend::decode(std::span<const DecodeItem> items, const DecodeOutput& output) {
    const int64_t beganNs = nowNs();
    if (m_lost) return m_lostError;
    m_nLate = 0;
    SPANSCOPE_TRY(checkItems(items, output));
    Status done = guard(runStep(items, output, beganNs));
    if (done && output.maybeLogits.empty()) m_nLate = items.size();
    for (const DecodeItem& item : items) {
        KvSequence& s = *m_model.kv.find(item.sequence);
        if (done) s.stored += 1;
        else s.maskId = 0;  // the list on the device is unknown now
    }
    return done;
}

Status CudaBackend::lateLogits(size_t index, std::span<float> logits) {
    if (m_lost) return m_lostError;
    const size_t vocab = static_cast<size_t>(m_model.shape.vocab);
    SPANSCOPE_TRY(checkLateLogits(index, m_nLate, logits.size(), vocab));
    const auto copy = [&]() -> Status {
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(logits.data(), m_buffers.logits.as<float>() + index * vocab,
                                           vocab * sizeof(float), cudaMemcpyDeviceToHost, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
        return {};
    };
    return guard(copy());
}

Status CudaBackend::fillWithNoise(SequenceId id, int32_t nTokens, uint32_t seed) {
    KvSequence* s = m_model.kv.find(id);
    if (!s || nTokens < 0 || nTokens > s->capacity) return invalidArgument("tokens of noise", std::to_string(nTokens));
    const KvPool& kv = m_model.kv;
    for (size_t l = 0; l < m_model.weights.layers().size(); ++l)
        for (size_t i = 0; i < s->pages.size() && static_cast<int32_t>(i) * kPageTokens < nTokens;) {
            size_t run = 1;  // neighbouring pages in one launch
            while (i + run < s->pages.size() && s->pages[i + run] == s->pages[i] + static_cast<int32_t>(run)) ++run;
            NoiseParams noise;
            noise.to = static_cast<char*>(kv.layer(l)) +
                       static_cast<size_t>(s->pages[i]) * kv.pageElements() * elementBytes(kv.type());
            noise.type = kv.type();
            noise.n = static_cast<int64_t>(kv.pageElements() * run);
            noise.seed = seed + static_cast<uint32_t>(l * 977 + i);
            SPANSCOPE_CUDA_TRY(launchNoise(m_ctx, noise));
            i += run;
        }
    SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
    s->stored = nTokens;
    s->maskId = 0;
    return {};
}

void CudaBackend::setPrefetchBytes(int64_t nBytes) {
    m_tuner.forcePrefetchBytes(nBytes);
    m_graphs.clear();
}

void CudaBackend::setSkinny(int32_t on) {
    m_tuner.forceSkinny(on);
    m_graphs.clear();
}

Status CudaBackend::guard(Status status) {
    if (!status.ok() && status.error().code == ErrorCode::Device) {
        m_lost = true;
        m_lostError = status.error();
    }
    return status;
}

}  // namespace spanscope::cuda
