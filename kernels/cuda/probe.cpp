// One stored token looked at again under another list: a decode step at its position, ungraphed, with the token's keys
// and values saved before and put back after.

#include <algorithm>

#include "kernels/checks.h"
#include "kernels/cuda/cuda_backend.h"

namespace spanscope::cuda {

Result<ProbeResult> CudaBackend::probe(const ProbeRequest& request) {
    if (m_lost) return m_lostError;
    m_nLate = 0;
    KvSequence* s = m_model.kv.find(request.sequence);
    if (!s) return invalidArgument("unknown sequence", std::to_string(request.sequence.value));
    if (request.position < 0 || request.position >= s->stored)
        return invalidArgument("probed position", std::to_string(request.position),
                               "0 to " + std::to_string(s->stored - 1));
    const ModelShape& shape = m_model.shape;
    SPANSCOPE_TRY(checkTokens({&request.token, 1}, shape.vocab));
    SPANSCOPE_TRY(checkIntervals(request.visible, "probe"));
    const size_t nLayers = m_model.weights.layers().size();
    std::vector<int32_t> slotOf(nLayers, -1);
    if (request.layers.empty())
        for (size_t l = 0; l < nLayers; ++l) slotOf[l] = static_cast<int32_t>(l);
    for (size_t i = 0; i < request.layers.size(); ++i) {
        const int32_t l = request.layers[i];
        if (l < 0 || static_cast<size_t>(l) >= nLayers) return invalidArgument("probed layer", std::to_string(l));
        slotOf[static_cast<size_t>(l)] = static_cast<int32_t>(i);
    }
    const size_t nIssued = request.layers.empty() ? nLayers : request.layers.size();
    ProbeResult result;
    result.logits.resize(static_cast<size_t>(shape.vocab));
    result.probabilities.resize(nIssued * static_cast<size_t>(shape.nHeads) *
                                (static_cast<size_t>(request.position) + 1));
    const bool profiling = m_timer.profiling();
    m_timer.setProfiling(false);  // a probe is no part of a measured run
    Status done = guard(probeStep(request, *s, slotOf, result));
    m_timer.setProfiling(profiling);
    s->maskId = 0;  // the kept list now belongs to the probe
    if (!done) return done.error();
    return result;
}

Status CudaBackend::probeStep(const ProbeRequest& request, const KvSequence& sequence, std::span<const int32_t> slotOf,
                              ProbeResult& result) {
    const ModelShape& shape = m_model.shape;
    const KvPool& kv = m_model.kv;
    const int32_t nLayers = static_cast<int32_t>(slotOf.size()), nTokens = request.position + 1;
    const size_t perLayer = static_cast<size_t>(shape.nHeads) * static_cast<size_t>(nTokens);
    const LaunchContext ctx = withoutDependentLaunch(m_ctx);
    DeviceBuffer saved, probs;
    SPANSCOPE_TRY(saved.allocate(
        "a probed token's keys and values",
        slotOf.size() * static_cast<size_t>(shape.nKvHeads * 2 * shape.headDim) * elementBytes(kv.type())));
    SPANSCOPE_TRY(probs.allocate("probed attention", result.probabilities.size() * sizeof(float)));
    TokenKvParams token;
    token.kv = kv.layer(0);
    token.kvType = kv.type();
    token.layerElements = kv.layerElements();
    token.page = sequence.pages[static_cast<size_t>(request.position / kPageTokens)];
    token.slot = request.position % kPageTokens;
    token.nKvHeads = shape.nKvHeads;
    token.headDim = shape.headDim;
    token.saved = saved.as<>();
    SPANSCOPE_CUDA_TRY(launchTokenKv(ctx, token, nLayers));

    DecodeItem item;
    item.sequence = request.sequence;
    item.token = request.token;
    item.position = request.position;
    item.visible = request.visible;
    SPANSCOPE_TRY(m_io.writeItems({&item, 1}, 1, m_model.kv));
    ProbeProbsParams p;
    p.q = m_buffers.q.as<float>();
    p.kvType = kv.type();
    p.table = sequence.table;
    p.nHeads = shape.nHeads;
    p.nKvHeads = shape.nKvHeads;
    p.headDim = shape.headDim;
    p.scale = m_model.attentionScale();
    p.softcap = shape.attentionSoftcap;
    p.nTokens = nTokens;
    SPANSCOPE_TRY(m_launcher.enqueue(ctx, 1, m_tuner.choice(m_ctx, 1), [&](size_t layer) -> Status {
        if (slotOf[layer] < 0) return {};
        p.rows = m_buffers.rows.as<BatchRow>() + m_model.listOf(layer);  // of a step of one row
        p.kv = kv.layer(layer);
        p.probs = probs.as<float>() + static_cast<size_t>(slotOf[layer]) * perLayer;
        SPANSCOPE_CUDA_TRY(launchProbeProbs(ctx, p));
        return {};
    }));
    token.restore = 1;
    SPANSCOPE_CUDA_TRY(launchTokenKv(ctx, token, nLayers));
    const auto download = [&](std::vector<float>& to, const DeviceBuffer& from) -> Status {
        SPANSCOPE_CUDA_TRY(
            cudaMemcpyAsync(to.data(), from.as<>(), to.size() * sizeof(float), cudaMemcpyDeviceToHost, ctx.stream));
        return {};
    };
    SPANSCOPE_TRY(download(result.logits, m_buffers.logits));
    SPANSCOPE_TRY(download(result.probabilities, probs));
    SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(ctx.stream));
    return {};
}

}  // namespace spanscope::cuda
