// A prompt, up to 2048 tokens at a time: cuBLASLt products over the whole chunk, tiled attention over the pages stored so
// far. Not a per-token path: it may allocate and wait.

#include <algorithm>
#include <cmath>

#include "kernels/checks.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/elementwise.h"

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
    const int32_t qWidth = s.nHeads * s.headDim, nQkv = (s.nHeads + 2 * s.nKvHeads) * s.headDim;
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

    RmsNormParams norm;
    norm.x = m_pX.as<float>();
    norm.y = m_pNormed.as<>();
    norm.type = type;
    norm.hidden = s.hidden;
    norm.eps = s.rmsEps;
    AddBiasParams bias;
    bias.x = m_pX.as<float>();
    bias.n = s.hidden;
    for (size_t l = 0; l < m_weights.layers().size(); ++l) {
        const DeviceLayer& layer = m_weights.layers()[l];
        norm.gain = layer.attnNorm;
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, n));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        SPANSCOPE_TRY(m_gemm.run(ctx, {n, nQkv, s.hidden, type, type, false}, layer.qkv, m_pNormed.as<>(), m_pWide.as<>()));
        SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
        RopeAppendParams rope;
        rope.qkv = m_pWide.as<>();
        rope.inType = type;
        rope.bias = layer.qkvBias;
        rope.rotation = m_pRotation.as<float2>();
        rope.q = m_pNarrow.as<>();
        rope.qType = type;
        rope.kv = kvOfLayer(l);
        rope.kvType = m_kvType;
        rope.nHeads = s.nHeads;
        rope.nKvHeads = s.nKvHeads;
        rope.headDim = s.headDim;
        rope.interleaved = s.ropeInterleaved;
        rope.table = sequence.table;
        rope.position0 = position0;
        SPANSCOPE_CUDA_TRY(launchRopeAppend(ctx, rope, n));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        attention.kv = kvOfLayer(l);
        SPANSCOPE_CUDA_TRY(launchPrefillAttention(ctx, attention));
        SPANSCOPE_TRY(mark(Stage::Attention, ctx));
        SPANSCOPE_TRY(m_gemm.run(ctx, {n, s.hidden, qWidth, type, Element::F32, true}, layer.o, m_pNormed.as<>(), m_pX.as<>()));
        SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
        if ((bias.bias = layer.oBias)) SPANSCOPE_CUDA_TRY(launchAddBias(ctx, bias, n));
        norm.gain = layer.mlpNorm;
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, n));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        SPANSCOPE_TRY(m_gemm.run(ctx, {n, 2 * s.ffn, s.hidden, type, type, false}, layer.gateUp, m_pNormed.as<>(),
                                 m_pWide.as<>()));
        SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
        SiluMulParams silu;
        silu.gateUp = m_pWide.as<>();
        silu.inType = type;
        silu.bias = layer.gateUpBias;
        silu.y = m_pNarrow.as<>();
        silu.outType = type;
        silu.ffn = s.ffn;
        SPANSCOPE_CUDA_TRY(launchSiluMul(ctx, silu, n));
        SPANSCOPE_TRY(mark(Stage::Other, ctx));
        SPANSCOPE_TRY(m_gemm.run(ctx, {n, s.hidden, s.ffn, type, Element::F32, true}, layer.down, m_pNarrow.as<>(), m_pX.as<>()));
        if ((bias.bias = layer.downBias)) SPANSCOPE_CUDA_TRY(launchAddBias(ctx, bias, n));
        SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
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
        RmsNormParams norm;
        norm.x = m_pX.as<float>() + static_cast<size_t>(n - nWanted + done) * static_cast<size_t>(s.hidden);
        norm.gain = m_weights.finalNorm();
        norm.y = m_normed.as<>();
        norm.type = m_weights.type();
        norm.hidden = s.hidden;
        norm.eps = s.rmsEps;
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, norm, here));
        SPANSCOPE_TRY(m_gemm.run(ctx, {here, s.vocab, s.hidden, m_weights.type(), Element::F32, false}, m_weights.head(),
                                 m_normed.as<>(), m_logits.as<>()));
        SPANSCOPE_TRY(mark(Stage::Matmul, ctx));
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(logits.data() + static_cast<size_t>(done) * vocab, m_logits.as<>(),
                                           static_cast<size_t>(here) * vocab * sizeof(float), cudaMemcpyDeviceToHost,
                                           ctx.stream));
        done += here;
    }
    return {};
}

}  // namespace spanscope::cuda
