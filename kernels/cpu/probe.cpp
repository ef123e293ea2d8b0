// Probing: one stored token again, under another list, with the attention weights kept. Everything is as in a
// decode step; the cache's own bits of that token are put back afterwards.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/checks.h"
#include "kernels/cpu/cpu_backend.h"

namespace spanscope::cpu {

Result<ProbeResult> CpuBackend::probe(const ProbeRequest& request) {
    KvSequence* s = m_cache->find(request.sequence);
    const ModelShape& shape = m_weights.shape;
    if (!s) return invalidArgument("unknown sequence", std::to_string(request.sequence.value));
    if (request.position < 0 || request.position >= s->stored)
        return invalidArgument("probed position", std::to_string(request.position), rangeText(0, s->stored - 1));
    if (Status st = checkTokens({&request.token, 1}, shape.vocab); !st) return st.error();
    if (Status st = checkIntervals(request.visible, "probe"); !st) return st.error();
    for (const int32_t l : request.layers)
        if (l < 0 || l >= shape.nLayers)
            return invalidArgument("probed layer", std::to_string(l), rangeText(0, shape.nLayers - 1));
    Capture capture;
    capture.saved.resize(static_cast<size_t>(shape.nLayers));
    capture.probabilities.resize(static_cast<size_t>(shape.nLayers));
    Step step{s, request.token, request.position};
    clearPlans();
    planStep(step, request.visible);
    sealPlans();
    capture.scores.resize(static_cast<size_t>(shape.nHeads) * kChunkPages * kPageTokens);
    const StageTimes times = m_times;
    forward({&step, 1}, &capture);
    ProbeResult r;
    r.logits.resize(static_cast<size_t>(shape.vocab));
    logitsOf(1, r.logits.data());
    m_times = times;  // a probe is no part of a measured run
    for (int32_t l = 0; l < shape.nLayers; ++l)
        m_cache->restore(l, *s, request.position, capture.saved[static_cast<size_t>(l)]);
    const auto append = [&](int32_t l) {
        const auto& p = capture.probabilities[static_cast<size_t>(l)];
        r.probabilities.insert(r.probabilities.end(), p.begin(), p.end());
    };
    if (request.layers.empty())
        for (int32_t l = 0; l < shape.nLayers; ++l) append(l);
    for (const int32_t l : request.layers) append(l);
    return r;
}

/// The scores a chunk has kept, as exponentials relative to the chunk's largest, to their token positions.
void CpuBackend::captureChunk(const DecodeChunk& d, int32_t position, Capture& capture) {
    const auto nKeys = static_cast<size_t>(position + 1);
    const auto nRows = static_cast<size_t>(d.nKvHeads * d.group);
    for (size_t h = 0; h < nRows; ++h) {
        const float* scores = d.keptScores + h * kChunkPages * kPageTokens;
        const float top = d.partial[h * partialStride(d.headDim) + static_cast<size_t>(d.headDim)];
        float* row = capture.probabilities[static_cast<size_t>(d.layer)].data() +
                     (static_cast<size_t>(d.firstKvHead * d.group) + h) * nKeys;
        for (const PageRef& page : d.pages) {
            for (int32_t t = 0; t < kPageTokens; ++t)
                if (page.mask >> t & 1) row[page.first + t] = std::exp(scores[t] - top);
            scores += kPageTokens;
        }
    }
}

/// Each chunk's exponentials are relative to its own largest score; this brings them to probabilities.
void CpuBackend::finishCapture(const Step& step, int32_t layer, Capture& capture) {
    const ModelShape& s = m_weights.shape;
    const StepPlan& plan = m_plans[m_vectors[static_cast<size_t>(layer)].plan];
    const std::span<const PageChunk> chunks = plan.chunks();  // all of them are this step's
    const size_t stride = partialStride(s.headDim);
    const auto nKeys = static_cast<size_t>(step.position + 1);
    for (size_t h = 0; h < static_cast<size_t>(s.nHeads); ++h) {
        float* row = capture.probabilities[static_cast<size_t>(layer)].data() + h * nKeys;
        const auto partial = [&](size_t c) {
            return m_partials.data() + (c * static_cast<size_t>(s.nHeads) + h) * stride +
                   s.headDim;  // largest score, sum
        };
        float top = -std::numeric_limits<float>::infinity();
        for (size_t c = 0; c < chunks.size(); ++c) top = std::max(top, partial(c)[0]);
        float total = 0;
        for (size_t c = 0; c < chunks.size(); ++c) total += partial(c)[1] * std::exp(partial(c)[0] - top);
        for (size_t c = 0; c < chunks.size(); ++c) {
            const float factor = std::exp(partial(c)[0] - top) / total;
            for (const PageRef& page : plan.pagesOf(chunks[c]))
                for (int32_t t = 0; t < kPageTokens; ++t)
                    if (page.mask >> t & 1) row[page.first + t] *= factor;
        }
    }
}

}  // namespace spanscope::cpu
