#include "kernels/cuda/step/prefill.h"

#include <algorithm>

namespace spanscope::cuda {

using Stage = DeviceTimer::Stage;

namespace {

constexpr int32_t kMaxChunkTokens = 2048;

}  // namespace

Status Prefill::allocate(Element activations) {
    const ModelShape& s = m_model.shape;
    const auto u = [](int64_t v) { return static_cast<size_t>(v); };
    const int32_t poolTokens = m_model.kv.nPages() * kPageTokens;
    m_chunkTokens = std::min(kMaxChunkTokens, poolTokens);
    m_maxKeyTiles = (poolTokens + kPrefillTile - 1) / kPrefillTile;
    const size_t n = u(m_chunkTokens), nQueryTiles = (n + kPrefillTile - 1) / kPrefillTile,
                 nLists = u(m_model.nLists());
    const size_t nQ = u(s.nHeads * s.headDim), nQkv = u((s.nHeads + 2 * s.nKvHeads) * s.headDim);
    const size_t hidden = u(s.hidden), ffn = u(s.ffn), element = elementBytes(activations);
    SPANSCOPE_TRY(m_tokens.allocate("prompt tokens", n * sizeof(int32_t)));
    SPANSCOPE_TRY(
        m_rotation.allocate("prompt rotations", u(nRotationTables(s)) * n * u(s.headDim / 2) * 2 * sizeof(float)));
    SPANSCOPE_TRY(m_x.allocate("prompt residual stream", n * hidden * sizeof(float)));
    SPANSCOPE_TRY(m_normed.allocate("prompt activations", n * std::max(hidden, nQ) * element));
    SPANSCOPE_TRY(m_wide.allocate("prompt projections",
                                  n * std::max({nQkv * element, 2 * ffn * element, hidden * sizeof(float)})));
    SPANSCOPE_TRY(m_narrow.allocate("prompt queries", n * std::max(ffn, nQ) * element));
    SPANSCOPE_TRY(m_tiles.allocate("prompt tiles", nLists * nQueryTiles * u(m_maxKeyTiles) * sizeof(uint32_t)));
    return m_nTiles.allocate("prompt tile counts", nLists * nQueryTiles * sizeof(int32_t));
}

size_t Prefill::nBytes() const {
    size_t n = 0;
    for (const DeviceBuffer* b :
         {&m_tokens, &m_rotation, &m_x, &m_normed, &m_wide, &m_narrow, &m_tiles, &m_nTiles, &m_runs, &m_intervals})
        n += b->nBytes();
    return n;
}

Status Prefill::run(const LaunchContext& ctx, KvSequence& sequence, std::span<const int32_t> tokens,
                    std::span<const QueryRun> runs, std::span<float> maybeLogits) {
    const size_t vocab = static_cast<size_t>(m_model.shape.vocab);
    const bool all = maybeLogits.size() == vocab * tokens.size();
    const int32_t n = static_cast<int32_t>(tokens.size());
    for (int32_t first = 0; first < n; first += m_chunkTokens) {
        const int32_t here = std::min(m_chunkTokens, n - first);
        const bool last = first + here == n;
        std::span<float> logits;
        if (!maybeLogits.empty() && all)
            logits = maybeLogits.subspan(vocab * static_cast<size_t>(first), vocab * static_cast<size_t>(here));
        else if (!maybeLogits.empty() && last) logits = maybeLogits;
        SPANSCOPE_TRY(runChunk(ctx, sequence, tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(here)),
                               runs, first, logits));
        sequence.stored += here;
    }
    return {};
}

Status Prefill::uploadRuns(const LaunchContext& ctx, std::span<const QueryRun> runs, int32_t firstToken,
                           int32_t nTokens, int32_t position0, int32_t& nRuns) {
    const int32_t shift = position0 - firstToken;
    std::vector<DeviceRun> deviceRuns;
    std::vector<Interval> intervals;
    for (const QueryRun& run : runs) {
        const int32_t begin = std::max(run.begin, firstToken), end = std::min(run.end, firstToken + nTokens);
        if (begin >= end) continue;
        deviceRuns.push_back({begin + shift, end + shift, static_cast<int32_t>(intervals.size()),
                              static_cast<int32_t>(run.visible.size())});
        intervals.insert(intervals.end(), run.visible.begin(), run.visible.end());
    }
    if (intervals.empty()) intervals.push_back({});
    // Pageable memory is staged before cudaMemcpyAsync() returns: the vectors may go.
    const auto upload = [&](DeviceBuffer& to, const char* what, const void* from, size_t nBytes) -> Status {
        if (to.nBytes() < nBytes) SPANSCOPE_TRY(to.allocate(what, 2 * nBytes));
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(to.as<>(), from, nBytes, cudaMemcpyHostToDevice, ctx.stream));
        return {};
    };
    SPANSCOPE_TRY(upload(m_runs, "runs of a prompt", deviceRuns.data(), deviceRuns.size() * sizeof(DeviceRun)));
    SPANSCOPE_TRY(
        upload(m_intervals, "interval lists of a prompt", intervals.data(), intervals.size() * sizeof(Interval)));
    nRuns = static_cast<int32_t>(deviceRuns.size());
    return {};
}

Status Prefill::enqueueLayer(const LaunchContext& ctx, size_t index, PrefillAttentionParams& attention) {
    const DeviceLayer& layer = m_model.weights.layers()[index];
    const Element type = m_model.weights.type();
    const int32_t n = attention.n;
    const auto mark = [&](Stage stage) { return m_timer.mark(stage, ctx.stream); };
    const auto normalise = [&](const float* maybeGain) -> Status {
        SPANSCOPE_CUDA_TRY(launchRmsNorm(ctx, m_model.rmsNorm(m_x.as<float>(), maybeGain, m_normed.as<>()), n));
        return mark(Stage::Other);
    };
    const auto product = [&](const DeviceMatrix& matrix, const DeviceBuffer& x, const DeviceBuffer& y,
                             Element outType) -> Status {
        SPANSCOPE_TRY(m_products.multiply(ctx, matrix, {n, x.as<>(), y.as<>(), outType, &y == &m_x}));
        return mark(Stage::Matmul);
    };
    // What joins the residual stream. m_wide is free when a product is normalised before.
    const auto residual = [&](const DeviceMatrix& matrix, const DeviceBuffer& x, const float* maybeBias,
                              const float* maybePostNorm) -> Status {
        const DeviceBuffer& y = maybePostNorm ? m_wide : m_x;
        SPANSCOPE_TRY(product(matrix, x, y, Element::F32));
        SPANSCOPE_TRY(m_model.addBias(ctx, maybeBias, y.as<float>(), n));
        if (!maybePostNorm) return {};
        const AddNormedParams add = m_model.addNormed(m_x.as<float>(), m_wide.as<float>(), maybePostNorm);
        SPANSCOPE_CUDA_TRY(launchAddNormed(ctx, add, n));
        return mark(Stage::Other);
    };
    SPANSCOPE_TRY(normalise(layer.attnNorm));
    SPANSCOPE_TRY(product(layer.qkv, m_normed, m_wide, type));
    RopeAppendParams rope = m_model.ropeAppend(index, m_rotation, n);
    rope.qkv = m_wide.as<>();
    rope.inType = type;
    rope.bias = layer.qkvBias;
    rope.q = m_narrow.as<>();
    rope.qType = type;
    rope.table = attention.table;
    rope.position0 = attention.position0;
    SPANSCOPE_CUDA_TRY(launchRopeAppend(ctx, rope, n));
    SPANSCOPE_TRY(mark(Stage::Other));
    attention.kv = m_model.kv.layer(index);
    selectList(attention, m_model.listOf(index));
    SPANSCOPE_CUDA_TRY(launchPrefillAttention(ctx, attention));
    SPANSCOPE_TRY(mark(Stage::Attention));
    SPANSCOPE_TRY(residual(layer.o, m_normed, layer.oBias, layer.postAttnNorm));
    SPANSCOPE_TRY(normalise(layer.mlpNorm));
    SPANSCOPE_TRY(product(layer.gateUp, m_normed, m_wide, type));
    GatedMulParams gated;
    gated.gateUp = m_wide.as<>();
    gated.inType = type;
    gated.bias = layer.gateUpBias;
    gated.y = m_narrow.as<>();
    gated.outType = type;
    gated.gelu = m_model.shape.activation == Activation::GeluTanh;
    gated.ffn = m_model.shape.ffn;
    SPANSCOPE_CUDA_TRY(launchGatedMul(ctx, gated, n));
    SPANSCOPE_TRY(mark(Stage::Other));
    return residual(layer.down, m_narrow, layer.downBias, layer.postMlpNorm);
}

void Prefill::selectList(PrefillAttentionParams& attention, int32_t list) const {
    const size_t nQueryTiles = static_cast<size_t>((m_chunkTokens + kPrefillTile - 1) / kPrefillTile);
    const size_t at = static_cast<size_t>(list) * nQueryTiles;
    attention.window = list == 0 ? 0 : m_model.windows[static_cast<size_t>(list - 1)];
    attention.tiles = m_tiles.as<uint32_t>() + at * static_cast<size_t>(m_maxKeyTiles);
    attention.nTiles = m_nTiles.as<int32_t>() + at;
}

Status Prefill::runChunk(const LaunchContext& base, const KvSequence& sequence, std::span<const int32_t> tokens,
                         std::span<const QueryRun> runs, int32_t firstToken, std::span<float> maybeLogits) {
    const ModelShape& s = m_model.shape;
    const Element type = m_model.weights.type();
    const int32_t n = static_cast<int32_t>(tokens.size()), position0 = sequence.stored;
    const LaunchContext ctx = withoutDependentLaunch(base);
    int32_t nRuns = 0;
    SPANSCOPE_TRY(uploadRuns(ctx, runs, firstToken, n, position0, nRuns));
    SPANSCOPE_CUDA_TRY(
        cudaMemcpyAsync(m_tokens.as<>(), tokens.data(), tokens.size_bytes(), cudaMemcpyHostToDevice, ctx.stream));

    EmbedParams embed;
    embed.tokens = m_tokens.as<int32_t>();
    embed.embedding = m_model.weights.embedding();
    embed.type = type;
    embed.x = m_x.as<float>();
    embed.scale = s.embeddingScale;
    embed.hidden = s.hidden;
    embed.rotations = m_model.rotations(m_rotation);
    embed.longRope = sequence.longRope ? 1 : 0;
    embed.position0 = position0;
    SPANSCOPE_CUDA_TRY(launchEmbed(ctx, embed, n));

    PrefillAttentionParams attention;
    attention.q = m_narrow.as<>();
    attention.out = m_normed.as<>();
    attention.qType = type;
    attention.kvType = m_model.kv.type();
    attention.table = sequence.table;
    attention.n = n;
    attention.position0 = position0;
    attention.nHeads = s.nHeads;
    attention.nKvHeads = s.nKvHeads;
    attention.headDim = s.headDim;
    attention.scale = m_model.attentionScale();
    attention.softcap = s.attentionSoftcap;
    attention.runs = m_runs.as<DeviceRun>();
    attention.nRuns = nRuns;
    attention.intervals = m_intervals.as<Interval>();
    attention.maxKeyTiles = m_maxKeyTiles;
    for (int32_t list = 0; list < m_model.nLists(); ++list) {
        selectList(attention, list);
        SPANSCOPE_CUDA_TRY(launchPrefillPlan(ctx, attention));
    }
    SPANSCOPE_TRY(m_timer.mark(Stage::Other, ctx.stream));

    for (size_t l = 0; l < m_model.weights.layers().size(); ++l) SPANSCOPE_TRY(enqueueLayer(ctx, l, attention));
    if (!maybeLogits.empty()) SPANSCOPE_TRY(enqueueLogits(ctx, n, maybeLogits));
    SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(ctx.stream));  // the next chunk writes to the same buffers
    return {};
}

Status Prefill::enqueueLogits(const LaunchContext& ctx, int32_t nTokens, std::span<float> logits) {
    const size_t vocab = static_cast<size_t>(m_model.shape.vocab), hidden = static_cast<size_t>(m_model.shape.hidden);
    const int32_t nWanted = static_cast<int32_t>(logits.size() / vocab);
    for (int32_t done = 0; done < nWanted;) {
        const int32_t here = std::min(m_step.maxRows, nWanted - done);
        const float* x = m_x.as<float>() + static_cast<size_t>(nTokens - nWanted + done) * hidden;
        SPANSCOPE_CUDA_TRY(
            launchRmsNorm(ctx, m_model.rmsNorm(x, m_model.weights.finalNorm(), m_step.normed.as<>()), here));
        SPANSCOPE_TRY(m_products.multiply(ctx, m_model.weights.head(),
                                          {here, m_step.normed.as<>(), m_step.logits.as<>(), Element::F32, false}));
        SPANSCOPE_TRY(m_timer.mark(Stage::Matmul, ctx.stream));
        SPANSCOPE_TRY(m_model.capLogits(ctx, m_step.logits.as<float>(), here));
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(logits.data() + static_cast<size_t>(done) * vocab, m_step.logits.as<>(),
                                           static_cast<size_t>(here) * vocab * sizeof(float), cudaMemcpyDeviceToHost,
                                           ctx.stream));
        done += here;
    }
    return {};
}

}  // namespace spanscope::cuda
