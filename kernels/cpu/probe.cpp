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
    m_nPlanned = m_nChunks = 0;
    planStep(step, 0, request.visible);
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
void CpuBackend::captureChunk(int32_t chunkIndex, const DecodeChunk& d, int32_t position, Capture& capture) {
    const Chunk& chunk = m_chunks[static_cast<size_t>(chunkIndex)];
    const auto nKeys = static_cast<size_t>(position + 1);
    const auto nRows = static_cast<size_t>(d.nKvHeads * d.group);
    for (size_t h = 0; h < nRows; ++h) {
        const float* scores = d.keptScores + h * kChunkPages * kPageTokens;
        const float top = d.partial[h * partialStride(d.headDim) + static_cast<size_t>(d.headDim)];
        float* row = capture.probabilities[static_cast<size_t>(d.layer)].data() +
                     (static_cast<size_t>(d.firstKvHead * d.group) + h) * nKeys;
        for (int32_t p = 0; p < chunk.nPages; ++p) {
            const PageRef& page = m_plan[static_cast<size_t>(chunk.firstPage + p)];
            for (int32_t t = 0; t < kPageTokens; ++t)
                if (page.mask >> t & 1) row[page.first + t] = std::exp(scores[p * kPageTokens + t] - top);
        }
    }
}

/// Each chunk's exponentials are relative to its own largest score; this brings them to probabilities.
void CpuBackend::finishCapture(const Step& step, int32_t layer, Capture& capture) {
    const ModelShape& s = m_weights.shape;
    const size_t stride = partialStride(s.headDim);
    const auto nKeys = static_cast<size_t>(step.position + 1);
    for (size_t h = 0; h < static_cast<size_t>(s.nHeads); ++h) {
        float* row = capture.probabilities[static_cast<size_t>(layer)].data() + h * nKeys;
        const auto partial = [&](int32_t c) {
            return m_partials.data() +
                   (static_cast<size_t>(step.firstChunk + c) * static_cast<size_t>(s.nHeads) + h) * stride +
                   s.headDim;  // largest score, sum
        };
        float top = -std::numeric_limits<float>::infinity();
        for (int32_t c = 0; c < step.nChunks; ++c) top = std::max(top, partial(c)[0]);
        float total = 0;
        for (int32_t c = 0; c < step.nChunks; ++c) total += partial(c)[1] * std::exp(partial(c)[0] - top);
        for (int32_t c = 0; c < step.nChunks; ++c) {
            const float factor = std::exp(partial(c)[0] - top) / total;
            const Chunk& chunk = m_chunks[static_cast<size_t>(step.firstChunk + c)];
            for (int32_t p = 0; p < chunk.nPages; ++p) {
                const PageRef& page = m_plan[static_cast<size_t>(chunk.firstPage + p)];
                for (int32_t t = 0; t < kPageTokens; ++t)
                    if (page.mask >> t & 1) row[page.first + t] *= factor;
            }
        }
    }
}

}  // namespace spanscope::cpu
