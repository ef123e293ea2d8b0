// Attention of one decode step whose heads choose what they read by the keys (kernels/key_selector.h). Plain loops over
// keys widened to floats: it is compared by what it reads, never by its speed.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/cpu_backend.h"
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

}  // namespace

void CpuBackend::attendChosen(int32_t layer, int32_t item, const Step& step) {
    const ModelShape& s = m_weights.shape;
    const auto d = static_cast<size_t>(s.headDim);
    const int32_t group = s.nHeads / s.nKvHeads, nTokens = step.position + 1;
    const size_t qkvStride = static_cast<size_t>(qRows() + 2 * kvRows());
    const int32_t window = s.layerKind(layer).window;
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
            for (const Interval& interval : list) {
                const Interval c = clipToQuery(interval, step.position, window);
                for (int32_t k = c.begin; k < c.end; ++k)
                    if (mayRead(step.visible.data(), static_cast<int32_t>(step.visible.size()), step.position, k))
                        f(static_cast<size_t>(k));
            }
        };
        eachKey([&](size_t k) {
            float sum = 0;
            for (size_t i = 0; i < d; ++i) sum += q[i] * keys[k * d + i];
            if (s.attentionSoftcap > 0) sum = s.attentionSoftcap * std::tanh(sum / s.attentionSoftcap);
            scores[k] = sum;
            largest = std::max(largest, sum);
        });
        eachKey([&](size_t k) { total += scores[k] = std::exp(scores[k] - largest); });
        if (total == 0) continue;  // nothing to read: zero
        eachKey([&](size_t k) {
            const float p = scores[k] / total;
            for (size_t i = 0; i < d; ++i) out[i] += p * values[k * d + i];
        });
    }
}

}  // namespace spanscope::cpu
