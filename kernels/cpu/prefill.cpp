// Prefill as a call: what is asked for is checked, cut into chunks (workspace.h says how long), and the logits that are
// wanted are formed. The chunks' way through the layers is prefill_chunk.cpp.
#include <algorithm>
#include <new>
#include <string>

#include "kernels/checks.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rope_angles.h"
#include "kernels/cpu/workspace.h"

namespace spanscope::cpu {

std::unique_ptr<PrefillBuffers> PrefillBuffers::make(const ModelShape& s, int64_t maxTokens, int64_t maxRank,
                                                     int32_t nThreads) {
    auto b = std::make_unique<PrefillBuffers>();
    const auto t = static_cast<size_t>(maxTokens);
    const auto u = [](int32_t v) { return static_cast<size_t>(v); };
    b->maxTokens = maxTokens;
    b->x.assign(t * u(s.hidden), 0.0f);
    b->normed.assign(b->x.size(), 0.0f);
    // Four floats more: the last tile of queries may look past its columns (attention.h).
    b->qkv.assign(t * u(s.nHeads + 2 * s.nKvHeads) * u(s.headDim) + 4, 0.0f);
    b->mixed.assign(t * u(s.nHeads) * u(s.headDim), 0.0f);
    b->lowRank.assign(t * static_cast<size_t>(maxRank), 0.0f);
    b->gate.assign(t * u(s.ffn), 0.0f);
    b->cosines.assign(t * pairsOfAll(s), 0.0f);
    b->sines.assign(b->cosines.size(), 0.0f);
    b->scratch.resize(u(nThreads));
    for (auto& v : b->scratch)
        v.resize(std::max(kGemmScratch + static_cast<size_t>(kGemmRows) * t, prefillScratch(s.headDim)));
    return b;
}

size_t PrefillBuffers::nBytes() const {
    size_t n = x.size() + normed.size() + qkv.size() + mixed.size() + gate.size() + lowRank.size() + cosines.size() +
               sines.size();
    for (const auto& v : scratch) n += v.size();
    return n * sizeof(float);
}

Status CpuBackend::prefill(SequenceId id, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                           std::span<float> maybeLogits) {
    const int64_t startNs = monotonicNs();
    const ModelShape& shape = m_weights.shape;
    KvSequence* s = m_cache->find(id);
    if (!s) return invalidArgument("unknown sequence", std::to_string(id.value));
    m_nLate = 0;
    if (tokens.empty()) return invalidArgument("prefill of no tokens");
    if (tokens.size() > static_cast<size_t>(s->capacity - s->stored))
        return invalidArgument("sequence is full", std::to_string(s->stored) + " and " + std::to_string(tokens.size()),
                               "at most " + std::to_string(s->capacity));
    const auto n = static_cast<int32_t>(tokens.size());
    if (Status st = checkTokens(tokens, shape.vocab); !st) return st;
    if (Status st = checkRuns(runs, n); !st) return st;
    const auto vocab = static_cast<size_t>(shape.vocab);
    const bool all = n > 1 && maybeLogits.size() == vocab * tokens.size();
    if (!maybeLogits.empty() && !all && maybeLogits.size() != vocab)
        return invalidArgument("size of the logits", std::to_string(maybeLogits.size()),
                               std::to_string(vocab) + " or " + std::to_string(vocab * tokens.size()));
    try {
        const int64_t wanted = std::min(maxPrefillTokens(shape), nPanels(n) * kPanelTokens);
        if (!m_prefill || m_prefill->maxTokens < wanted) {
            m_prefill.reset();  // first, so that there never are two
            m_prefill = PrefillBuffers::make(shape, wanted, m_maxRank, m_pool.nThreads());
        }
    } catch (const std::bad_alloc&) {
        Error e = invalidArgument("no memory for the prefill's activations");
        e.code = ErrorCode::OutOfMemory;
        return e;
    }
    const PrefillBuffers& b = *m_prefill;
    const int32_t hidden = shape.hidden;
    for (int32_t first = 0; first < n; first += static_cast<int32_t>(b.maxTokens)) {
        const auto count = std::min(n - first, static_cast<int32_t>(b.maxTokens));
        prefillChunk(*s, tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(count)), first, runs);
        s->stored += count;
        for (int32_t t = all ? 0 : n - 1 - first; t < count && !maybeLogits.empty(); ++t) {
            const float* column = b.x.data() + t / kPanelTokens * hidden * kPanelTokens + t % kPanelTokens;
            for (int32_t f = 0; f < hidden; ++f) m_x[static_cast<size_t>(f)] = column[f * kPanelTokens];
            logitsOf(1, maybeLogits.data() + (all ? static_cast<size_t>(first + t) * vocab : 0));
        }
    }
    m_lastNs = monotonicNs() - startNs;
    if (m_profiling) m_times.otherNs += m_lastNs;
    return {};
}

}  // namespace spanscope::cpu
