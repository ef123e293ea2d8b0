// A prompt, up to 2048 tokens at a time: cuBLASLt products over the whole chunk, tiled attention over the pages stored
// so far. Not a per-token path: it may allocate and wait.

#include <algorithm>
#include <cmath>

#include "kernels/checks.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/step/elementwise.h"

namespace spanscope::cuda {

Status CudaBackend::prefill(SequenceId id, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                            std::span<float> maybeLogits) {
    if (m_lost) return m_lostError;
    Sequence* s = find(id);
    if (!s) return invalidArgument("unknown sequence", std::to_string(id.value));
    const size_t vocab = static_cast<size_t>(m_shape.vocab);
    SPANSCOPE_TRY(checkTokens(tokens, m_shape.vocab));
    const int64_t after = static_cast<int64_t>(s->stored) + static_cast<int64_t>(tokens.size());
    if (after > s->capacity)
        return invalidArgument("prompt is longer than the sequence's capacity", std::to_string(after),
                               "at most " + std::to_string(s->capacity));
    const int32_t n = static_cast<int32_t>(tokens.size());
    SPANSCOPE_TRY(checkRuns(runs, n));
    if (!maybeLogits.empty() && maybeLogits.size() != vocab && maybeLogits.size() != vocab * tokens.size())
        return invalidArgument("size of the logits", std::to_string(maybeLogits.size()),
                               std::to_string(vocab) + " or " + std::to_string(vocab * tokens.size()));
    if (n == 0) return {};
    s->maskId = 0;
    const bool all = maybeLogits.size() == vocab * tokens.size();
    const int32_t before = s->stored;
    const auto work = [&]() -> Status {
        m_markStages.clear();
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_begin, m_ctx.stream));
        for (int32_t first = 0; first < n; first += m_chunkTokens) {
            const int32_t here = std::min(m_chunkTokens, n - first);
            const bool last = first + here == n;
            std::span<float> logits;
            if (!maybeLogits.empty() && all)
                logits = maybeLogits.subspan(vocab * static_cast<size_t>(first), vocab * static_cast<size_t>(here));
            else if (!maybeLogits.empty() && last) logits = maybeLogits;
            SPANSCOPE_TRY(prefillChunk(*s, tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(here)), runs,
                                       first, logits));
            s->stored += here;
        }
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_end, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
        return finishTiming();
    };
    Status done = guard(work());
    if (!done) s->stored = before;
    return done;
}

Status CudaBackend::prefillChunk(Sequence& sequence, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                                 int32_t firstToken, std::span<float> maybeLogits) {
    const ModelShape& s = m_shape;
    const Element type = m_weights.type();
    const int32_t n = static_cast<int32_t>(tokens.size()), position0 = sequence.stored;
    LaunchContext ctx = m_ctx;
    ctx.overlap = false;

    // Runs of this chunk in absolute positions.
    const int32_t shift = position0 - firstToken;
    std::vector<DeviceRun> deviceRuns;
    std::vector<Interval> intervals;
    for (const QueryRun& run : runs) {
        const int32_t begin = std::max(run.begin, firstToken), end = std::min(run.end, firstToken + n);
        if (begin >= end) continue;
        deviceRuns.push_back({begin + shift, end + shift, static_cast<int32_t>(intervals.size()),
                              static_cast<int32_t>(run.visible.size())});
        intervals.insert(intervals.end(), run.visible.begin(), run.visible.end());
    }
    if (intervals.empty()) intervals.push_back({});
    const size_t runBytes = deviceRuns.size() * sizeof(DeviceRun), intervalBytes = intervals.size() * sizeof(Interval);
    if (m_pRuns.nBytes() < runBytes) SPANSCOPE_TRY(m_pRuns.allocate("runs of a prompt", 2 * runBytes));
    if (m_pIntervals.nBytes() < intervalBytes)
        SPANSCOPE_TRY(m_pIntervals.allocate("interval lists of a prompt", 2 * intervalBytes));
    const auto upload = [&](const DeviceBuffer& to, const void* from, size_t nBytes) {
        return cudaMemcpyAsync(to.as<>(), from, nBytes, cudaMemcpyHostToDevice, ctx.stream);
    };
    SPANSCOPE_CUDA_TRY(upload(m_pRuns, deviceRuns.data(), runBytes));
    SPANSCOPE_CUDA_TRY(upload(m_pIntervals, intervals.data(), intervalBytes));
    SPANSCOPE_CUDA_TRY(upload(m_pTokens, tokens.data(), tokens.size_bytes()));

    EmbedParams embed;
    embed.tokens = m_pTokens.as<int32_t>();
    embed.embedding = m_weights.embedding();
    embed.type = type;
    embed.x = m_pX.as<float>();
    embed.hidden = s.hidden;
    embed.invFreq = m_weights.invFreq();
    embed.rotation = m_pRotation.as<float2>();
    embed.halfDim = s.headDim / 2;
    embed.position0 = position0;
    SPANSCOPE_CUDA_TRY(launchEmbed(ctx, embed, n));

    PrefillAttentionParams attention;
    attention.q = m_pNarrow.as<>();
    attention.out = m_pNormed.as<>();
    attention.qType = type;
    attention.kvType = m_kvType;
    attention.table = sequence.table;
    attention.n = n;
    attention.position0 = position0;
    attention.nHeads = s.nHeads;
    attention.nKvHeads = s.nKvHeads;
    attention.headDim = s.headDim;
    attention.scale = 1.f / std::sqrt(static_cast<float>(s.headDim));
    attention.runs = m_pRuns.as<DeviceRun>();
    attention.nRuns = static_cast<int32_t>(deviceRuns.size());
    attention.intervals = m_pIntervals.as<Interval>();
    attention.tiles = m_pTiles.as<uint32_t>();
    attention.nTiles = m_pTileCounts.as<int32_t>();
    attention.maxKeyTiles = m_maxKeyTiles;
    SPANSCOPE_CUDA_TRY(launchPrefillPlan(ctx, attention));
    SPANSCOPE_TRY(mark(Stage::Other, ctx));

    const auto normalise = [&](const float* gain) -> Status {
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, normOf(m_pX.as<float>(), gain, m_pNormed.as<>()), n));
        return mark(Stage::Other, ctx);
    };
    const auto product = [&](const DeviceMatrix& matrix, const DeviceBuffer& x, const DeviceBuffer& y,
                             Element outType) -> Status {
        SPANSCOPE_TRY(multiply(ctx, matrix, {n, x.as<>(), y.as<>(), outType, &y == &m_pX}));
        return mark(Stage::Matmul, ctx);
    };
    for (size_t l = 0; l < m_weights.layers().size(); ++l) {
        const DeviceLayer& layer = m_weights.layers()[l];
        SPANSCOPE_TRY(normalise(layer.attnNorm));
        SPANSCOPE_TRY(product(layer.qkv, m_pNormed, m_pWide, type));
        RopeAppendParams rope = ropeOf(l);
        rope.qkv = m_pWide.as<>();
        rope.inType = type;
        rope.rotation = m_pRotation.as<float2>();
        rope.q = m_pNarrow.as<>();
        rope.qType = type;
        rope.table = sequence.table;
        rope.position0 = position0;
        SPANSCOPE_CUDA_TRY(launchRopeAppend(ctx, rope, n));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        attention.kv = kvOfLayer(l);
        SPANSCOPE_CUDA_TRY(launchPrefillAttention(ctx, attention));
        SPANSCOPE_TRY(mark(Stage::Attention, ctx));
        SPANSCOPE_TRY(product(layer.o, m_pNormed, m_pX, Element::F32));
        SPANSCOPE_TRY(addBias(ctx, layer.oBias, m_pX.as<float>(), n));
        SPANSCOPE_TRY(normalise(layer.mlpNorm));
        SPANSCOPE_TRY(product(layer.gateUp, m_pNormed, m_pWide, type));
        SiluMulParams silu;
        silu.gateUp = m_pWide.as<>();
        silu.inType = type;
        silu.bias = layer.gateUpBias;
        silu.y = m_pNarrow.as<>();
        silu.outType = type;
        silu.ffn = s.ffn;
        SPANSCOPE_CUDA_TRY(launchSiluMul(ctx, silu, n));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        SPANSCOPE_TRY(product(layer.down, m_pNarrow, m_pX, Element::F32));
        SPANSCOPE_TRY(addBias(ctx, layer.downBias, m_pX.as<float>(), n));
    }
    if (!maybeLogits.empty()) SPANSCOPE_TRY(prefillLogits(n, maybeLogits));
    // The vectors above feed asynchronous copies; pageable memory is staged before the call returns, but wait anyway:
    // the next chunk reuses the device buffers.
    SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(ctx.stream));
    return {};
}

Status CudaBackend::prefillLogits(int32_t n, std::span<float> logits) {
    const ModelShape& s = m_shape;
    const size_t vocab = static_cast<size_t>(s.vocab);
    const int32_t nWanted = static_cast<int32_t>(logits.size() / vocab);
    LaunchContext ctx = m_ctx;
    ctx.overlap = false;
    for (int32_t done = 0; done < nWanted;) {
        const int32_t here = std::min(m_maxBucket, nWanted - done);
        const float* x = m_pX.as<float>() + static_cast<size_t>(n - nWanted + done) * static_cast<size_t>(s.hidden);
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, normOf(x, m_weights.finalNorm(), m_normed.as<>()), here));
        SPANSCOPE_TRY(multiply(ctx, m_weights.head(), {here, m_normed.as<>(), m_logits.as<>(), Element::F32, false}));
        SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(logits.data() + static_cast<size_t>(done) * vocab, m_logits.as<>(),
                                           static_cast<size_t>(here) * vocab * sizeof(float), cudaMemcpyDeviceToHost,
                                           ctx.stream));
        done += here;
    }
    return {};
}

}  // namespace spanscope::cuda
