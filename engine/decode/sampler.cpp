#include "engine/decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace spanscope {

namespace {

/// 53 random bits in [0, 1): the same on every standard library, unlike std::uniform_real_distribution.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

}  // namespace

float logProbability(std::span<const float> logits, int32_t id) {
    float largest = -std::numeric_limits<float>::infinity();
    for (float l : logits) largest = std::max(largest, l);
    double sum = 0;
    for (float l : logits) sum += std::exp(static_cast<double>(l) - largest);
    return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(id)]) - largest - std::log(sum));
}

Sampler::Sampler(const SamplerSettings& settings, std::vector<int32_t> forbidden)
    : m_settings(settings), m_forbidden(std::move(forbidden)), m_random(settings.seed) {}

bool Sampler::needsLogits() const { return m_settings.temperature > 0 || penalises(m_settings); }

bool Sampler::isForbidden(int32_t id) const { return std::binary_search(m_forbidden.begin(), m_forbidden.end(), id); }

void Sampler::accept(int32_t token) {
    if (!penalises(m_settings)) return;
    if (m_settings.repeatLastN < 0 || m_recent.size() < static_cast<size_t>(m_settings.repeatLastN)) {
        m_recent.push_back(token);
        return;
    }
    m_recent[m_recentNext] = token;
    m_recentNext = (m_recentNext + 1) % m_recent.size();
}

void Sampler::follow(const Sampler& other) {
    if (m_settings.temperature > 0) m_random = other.m_random;
    m_recent = other.m_recent;
    m_recentNext = other.m_recentNext;
}

void Sampler::skip(uint64_t n) {
    if (m_settings.temperature > 0) m_random.discard(n);  // draw() takes one number each
}

void Sampler::penalise() {
    if (!penalises(m_settings)) return;
    std::vector<int32_t> seen = m_recent;
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    for (int32_t id : seen) {
        if (id < 0 || static_cast<size_t>(id) >= m_candidates.size()) continue;
        float& logit = m_candidates[static_cast<size_t>(id)].logit;  // still ordered by id here
        logit = logit > 0 ? logit / m_settings.repeatPenalty : logit * m_settings.repeatPenalty;
    }
}

namespace {
/// Best first; equal logits by id.
constexpr auto kBetter = [](const auto& a, const auto& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};
}  // namespace

void Sampler::keepTopK() {
    const auto k = static_cast<size_t>(m_settings.topK);
    if (k > 0 && k < m_candidates.size()) {
        std::partial_sort(m_candidates.begin(), m_candidates.begin() + m_settings.topK, m_candidates.end(), kBetter);
        m_candidates.resize(k);
    } else {
        std::sort(m_candidates.begin(), m_candidates.end(), kBetter);
    }
}

void Sampler::keepTopP() {
    if (m_settings.topP >= 1) return;
    const double largest = m_candidates.front().logit;
    double total = 0;
    for (const Candidate& c : m_candidates) total += std::exp(c.logit - largest);
    double sum = 0;
    for (size_t i = 0; i < m_candidates.size(); ++i) {
        sum += std::exp(m_candidates[i].logit - largest);
        if (sum >= static_cast<double>(m_settings.topP) * total) {
            m_candidates.resize(i + 1);
            return;
        }
    }
}

void Sampler::keepMinP() {
    if (m_settings.minP <= 0) return;
    const double least = static_cast<double>(m_candidates.front().logit) + std::log(m_settings.minP);
    size_t n = 1;
    while (n < m_candidates.size() && m_candidates[n].logit >= least) ++n;
    m_candidates.resize(n);
}

int32_t Sampler::draw() {
    const double largest = m_candidates.front().logit;
    m_weights.resize(m_candidates.size());
    double total = 0;
    for (size_t i = 0; i < m_candidates.size(); ++i) {
        m_weights[i] = std::exp((m_candidates[i].logit - largest) / m_settings.temperature);
        total += m_weights[i];
    }
    double left = uniform(m_random) * total;
    for (size_t i = 0; i < m_candidates.size(); ++i) {
        left -= m_weights[i];
        if (left < 0) return m_candidates[i].id;
    }
    return m_candidates.back().id;  // rounding only
}

SampledToken Sampler::sample(std::span<const float> logits, SampledToken greedy) {
    const bool wantsLargest = m_settings.temperature <= 0 && !penalises(m_settings);
    return wantsLargest && !isForbidden(greedy.id) ? greedy : sample(logits);
}

SampledToken Sampler::sample(std::span<const float> logits) {
    m_candidates.resize(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) {
        // NaN compares with nothing and would break the sort; it and the infinities can never be drawn.
        const float logit = std::isfinite(logits[i]) ? logits[i] : std::numeric_limits<float>::lowest();
        m_candidates[i] = {static_cast<int32_t>(i), logit};
    }
    penalise();
    std::erase_if(m_candidates, [this, next = m_forbidden.begin()](const Candidate& c) mutable {
        while (next != m_forbidden.end() && *next < c.id) ++next;
        return next != m_forbidden.end() && *next == c.id;
    });
    if (m_candidates.empty()) return {0, -std::numeric_limits<float>::infinity()};
    SampledToken result;
    if (m_settings.temperature <= 0) {
        result.id = std::min_element(m_candidates.begin(), m_candidates.end(), kBetter)->id;
    } else {
        keepTopK();
        keepTopP();
        keepMinP();
        result.id = draw();
    }
    result.logprob = logProbability(logits, result.id);
    return result;
}

}  // namespace spanscope
