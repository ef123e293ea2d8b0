// Attention of one decode step whose heads choose what they read by the keys (kernels/key_selector.h). Plain loops over
// keys widened to floats: it is compared by what it reads, never by its speed.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/rope_angles.h"
#include "kernels/cpu/widen.h"

namespace spanscope::cpu {

namespace {

/// keys, values: out (nTokens, headDim) of one KV head.
void gather(const KvCache& cache, const KvSequence& sequence, int32_t layer, int32_t kvHead, int32_t nTokens,
            int32_t headDim, std::vector<float>& keys, std::vector<float>& values) {
    const auto d = static_cast<size_t>(headDim);
    keys.resize(static_cast<size_t>(nTokens) * d);
    values.resize(keys.size());
    std::vector<float> page(kPageTokens * d);
    for (int32_t first = 0; first < nTokens; first += kPageTokens) {
        std::byte* stored =
            cache.keys(layer, sequence.pages[static_cast<size_t>(first / kPageTokens)], kvHead);  // (headDim, 16)
        const auto n = static_cast<size_t>(std::min(kPageTokens, nTokens - first));
        widenRow(cache.type(), stored, 0, static_cast<int64_t>(page.size()), page.data());
        for (size_t t = 0; t < n; ++t)
            for (size_t i = 0; i < d; ++i) keys[(static_cast<size_t>(first) + t) * d + i] = page[i * kPageTokens + t];
        widenRow(cache.type(), cache.valuesOf(stored), 0, static_cast<int64_t>(n * d),
                 values.data() + static_cast<size_t>(first) * d);
    }
}

/// Turns queries of one layer that have been rotated to their position back by some positions.
class TurnedQuery {
  public:
    TurnedQuery(const ModelShape& shape, int32_t layer, int32_t capacity)
        : m_long(takesLongRope(shape, capacity)), m_out(static_cast<size_t>(shape.headDim)) {
        const int32_t rope = shape.layerKind(layer).rope;
        if (rope >= 0) m_rope = shape.ropes[static_cast<size_t>(rope)];
        m_rope.magnitude = m_rope.longMagnitude = 1;  // the query has it already
        m_pairs = {shape.headDim, static_cast<int64_t>(m_rope.invFreq.size()), shape.ropeInterleaved};
        m_cos.resize(m_rope.invFreq.size());
        m_sin.resize(m_cos.size());
    }

    /// Valid until the next call.
    const float* back(const float* query, int32_t nPositions) {
        if (nPositions == 0) return query;
        ropeAngles(m_rope, m_long, -nPositions, m_cos.data(), m_sin.data(), 1);
        std::copy_n(query, m_out.size(), m_out.data());
        rope(m_out.data(), m_pairs, m_cos.data(), m_sin.data(), 1.0f);
        return m_out.data();
    }

  private:
    bool m_long;
    Rope m_rope;
    RopePairs m_pairs;
    std::vector<float> m_cos, m_sin, m_out;
};

}  // namespace

void CpuBackend::attendChosen(int32_t layer, int32_t item, const Step& step) {
    const ModelShape& s = m_weights.shape;
    const auto d = static_cast<size_t>(s.headDim);
    const int32_t group = s.nHeads / s.nKvHeads, nTokens = step.position + 1;
    const size_t qkvStride = static_cast<size_t>(qRows() + 2 * kvRows());
    const int32_t window = s.layerKind(layer).window;
    const bool reassigns = step.selector->reassignsPositions();
    TurnedQuery turned(s, layer, step.sequence->capacity);
    std::vector<float> keys, values, scores;
    for (int32_t head = 0; head < s.nHeads; ++head) {
        if (head % group == 0) gather(*m_cache, *step.sequence, layer, head / group, nTokens, s.headDim, keys, values);
        const float* q = m_qkv.data() + static_cast<size_t>(item) * qkvStride + static_cast<size_t>(head) * d;
        const HeadQuery query{layer,         s.nLayers, head, s.nHeads,          s.headDim,
                              step.position, {q, d},    keys, s.attentionSoftcap};
        float* out = m_input.x(item) + static_cast<size_t>(head) * d;
        std::fill_n(out, d, 0.0f);
        const std::span<const Interval> list = step.selector->select(query);
        float largest = -std::numeric_limits<float>::infinity(), total = 0;
        scores.assign(static_cast<size_t>(nTokens), 0.0f);
        const auto eachKey = [&](const auto& f) {
            for (size_t at = 0; at < list.size(); ++at) {
                const Interval c = clipToQuery(list[at], step.position, window);
                for (int32_t k = c.begin; k < c.end; ++k)
                    if (mayRead(step.visible.data(), static_cast<int32_t>(step.visible.size()), step.position, k))
                        f(static_cast<size_t>(k), at);
            }
        };
        const float* asked = q;
        size_t askedAt = list.size();
        eachKey([&](size_t k, size_t at) {
            if (reassigns && at != askedAt) {
                asked = turned.back(q, leftOutAfter(list, at, step.position));
                askedAt = at;
            }
            float sum = 0;
            for (size_t i = 0; i < d; ++i) sum += asked[i] * keys[k * d + i];
            if (s.attentionSoftcap > 0) sum = s.attentionSoftcap * std::tanh(sum / s.attentionSoftcap);
            scores[k] = sum;
            largest = std::max(largest, sum);
        });
        eachKey([&](size_t k, size_t) { total += scores[k] = std::exp(scores[k] - largest); });
        if (total == 0) continue;  // nothing to read: zero
        eachKey([&](size_t k, size_t) {
            const float p = scores[k] / total;
            for (size_t i = 0; i < d; ++i) out[i] += p * values[k * d + i];
        });
    }
}

}  // namespace spanscope::cpu
