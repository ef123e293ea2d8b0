// One stored token looked at again under another list: a decode step at its position, ungraphed, with the token's keys
// and values saved before and put back after.

#include <cmath>

#include "kernels/checks.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/step/elementwise.h"

namespace spanscope::cuda {

Result<ProbeResult> CudaBackend::probe(const ProbeRequest& request) {
    if (m_lost) return m_lostError;
    Sequence* s = find(request.sequence);
    if (!s) return invalidArgument("unknown sequence", std::to_string(request.sequence.value));
    if (request.position < 0 || request.position >= s->stored)
        return invalidArgument("probed position", std::to_string(request.position),
                               "0 to " + std::to_string(s->stored - 1));
    SPANSCOPE_TRY(checkTokens({&request.token, 1}, m_shape.vocab));
    SPANSCOPE_TRY(checkIntervals(request.visible, "probe"));
    const size_t nLayers = m_weights.layers().size();
    std::vector<int32_t> slotOf(nLayers, -1);  // where a layer's rows go in the result
    if (request.layers.empty())
        for (size_t l = 0; l < nLayers; ++l) slotOf[l] = static_cast<int32_t>(l);
    for (size_t i = 0; i < request.layers.size(); ++i) {
        const int32_t l = request.layers[i];
        if (l < 0 || static_cast<size_t>(l) >= nLayers) return invalidArgument("probed layer", std::to_string(l));
        slotOf[static_cast<size_t>(l)] = static_cast<int32_t>(i);
    }
    const size_t nAsked = request.layers.empty() ? nLayers : request.layers.size();
    const size_t nTokens = static_cast<size_t>(request.position) + 1;
    const size_t perLayer = static_cast<size_t>(m_shape.nHeads) * nTokens;

    ProbeResult result;
    result.logits.resize(static_cast<size_t>(m_shape.vocab));
    result.probabilities.resize(nAsked * perLayer);
    const auto work = [&]() -> Status {
        DeviceBuffer saved, probs;
        TokenKvParams token;
        token.kv = m_kv.as<>();
        token.kvType = m_kvType;
        token.layerElements =
            static_cast<size_t>(m_nPages) * static_cast<size_t>(m_shape.nKvHeads * 2 * kPageTokens * m_shape.headDim);
        token.page = s->pages[static_cast<size_t>(request.position / kPageTokens)];
        token.slot = request.position % kPageTokens;
        token.nKvHeads = m_shape.nKvHeads;
        token.headDim = m_shape.headDim;
        SPANSCOPE_TRY(saved.allocate(
            "a probed token's keys and values",
            nLayers * static_cast<size_t>(m_shape.nKvHeads * 2 * m_shape.headDim) * elementBytes(m_kvType)));
        SPANSCOPE_TRY(probs.allocate("probed attention", result.probabilities.size() * sizeof(float)));
        token.saved = saved.as<>();
        SPANSCOPE_CUDA_TRY(launchTokenKv(m_ctx, token, static_cast<int32_t>(nLayers)));

        DecodeItem item;
        item.sequence = request.sequence;
        item.token = request.token;
        item.position = request.position;
        item.visible = request.visible;
        SPANSCOPE_TRY(stageItems({&item, 1}, 1));
        LaunchContext ctx = m_ctx;
        ctx.overlap = false;
        const bool profiling = m_profiling;
        m_profiling = false;
        const Status stepped = enqueueStep(1, ctx, [&](size_t layer) -> Status {
            if (slotOf[layer] < 0) return {};
            ProbeProbsParams p;
            p.rows = m_rows.as<BatchRow>();
            p.q = m_q.as<float>();
            p.kv = kvOfLayer(layer);
            p.kvType = m_kvType;
            p.table = s->table;
            p.nHeads = m_shape.nHeads;
            p.nKvHeads = m_shape.nKvHeads;
            p.headDim = m_shape.headDim;
            p.scale = 1.f / std::sqrt(static_cast<float>(m_shape.headDim));
            p.probs = probs.as<float>() + static_cast<size_t>(slotOf[layer]) * perLayer;
            p.nTokens = static_cast<int32_t>(nTokens);
            SPANSCOPE_CUDA_TRY(launchProbeProbs(ctx, p));
            return {};
        });
        m_profiling = profiling;
        SPANSCOPE_TRY(stepped);
        token.restore = 1;
        SPANSCOPE_CUDA_TRY(launchTokenKv(m_ctx, token, static_cast<int32_t>(nLayers)));
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(result.logits.data(), m_logits.as<>(), result.logits.size() * sizeof(float),
                                           cudaMemcpyDeviceToHost, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(result.probabilities.data(), probs.as<>(),
                                           result.probabilities.size() * sizeof(float), cudaMemcpyDeviceToHost,
                                           m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
        return {};
    };
    Status done = guard(work());
    s->maskId = 0;  // the kept list now belongs to the probe
    if (!done) return done.error();
    return result;
}

}  // namespace spanscope::cuda
