#include "engine/policy/selecting_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/policy/best_pages.h"
#include "engine/types/interval_algebra.h"

namespace spanscope {

namespace {

float product(std::span<const float> a, std::span<const float> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

/// Of the head among those of all layers.
size_t indexOf(const HeadQuery& query) {
    return static_cast<size_t>(query.layer) * static_cast<size_t>(query.nHeads) + static_cast<size_t>(query.head);
}

int32_t nPagesOf(const HeadQuery& query, int32_t pageTokens) { return query.position / pageTokens + 1; }

/// exp(score - largest) of every key, the query's own the last.
std::vector<float> exponentials(const HeadQuery& query) {
    std::vector<float> e(static_cast<size_t>(query.position) + 1);
    float largest = -std::numeric_limits<float>::infinity();
    for (size_t k = 0; k < e.size(); ++k) {
        e[k] = product(query.query, query.key(static_cast<int32_t>(k)));
        if (query.softcap > 0) e[k] = query.softcap * std::tanh(e[k] / query.softcap);
        largest = std::max(largest, e[k]);
    }
    for (float& x : e) x = std::exp(x - largest);
    return e;
}

/// Adds the softmax weights of the first keys, as many as `sums` has.
void addWeights(const HeadQuery& query, std::vector<float>& sums) {
    const std::vector<float> e = exponentials(query);
    const float total = std::accumulate(e.begin(), e.end(), 0.0F);
    for (size_t k = 0; k < sums.size(); ++k) sums[k] += e[k] / total;
}

}  // namespace

QueryMask SelectingPolicy::forStep(const TokenView& view) {
    m_tokens = m_budget.tokens(view);
    m_nRead = m_nHeads = 0;
    m_counts.assign(static_cast<size_t>(view.position) + 1, 0);
    return everything();
}

std::span<const Interval> SelectingPolicy::select(const HeadQuery& query) {
    m_list = choose(query);
    m_nRead += attendedTokens(m_list, query.position);
    ++m_nHeads;
    for (const Interval& interval : m_list) {
        const Interval c = clipToQuery(interval, query.position);
        for (int32_t k = c.begin; k < c.end; ++k) ++m_counts[static_cast<size_t>(k)];
    }
    return m_list;
}

std::optional<HeadsRead> SelectingPolicy::headsRead() const {
    if (m_nHeads == 0) return std::nullopt;
    IntervalList any;
    auto counts = std::make_shared<HeadCounts>();
    counts->nAll = static_cast<int32_t>(m_nHeads);
    auto& parts = counts->parts;
    for (size_t k = 0; k < m_counts.size(); ++k) {
        const auto at = static_cast<int32_t>(k);
        if (m_counts[k] == 0) continue;
        if (!any.empty() && any.back().end == at) any.back().end = at + 1;
        else any.push_back({at, at + 1});
        const bool same = !parts.empty() && parts.back().end == at && parts.back().nHeads == m_counts[k];
        if (same) parts.back().end = at + 1;
        else parts.push_back({at, at + 1, m_counts[k]});
    }
    return HeadsRead{static_cast<double>(m_nRead) / static_cast<double>(m_nHeads),
                     std::make_shared<const IntervalList>(std::move(any)), std::move(counts)};
}

IntervalList QuestPolicy::choose(const HeadQuery& query) {
    constexpr int32_t kDenseLayers = 2, kLeastPages = 3;
    if (query.layer < kDenseLayers) return {{0, query.position + 1}};
    const int64_t left = int64_t{budget()} * query.nLayers - int64_t{kDenseLayers} * (query.position + 1);
    const auto tokens = static_cast<int32_t>(std::max<int64_t>(0, left / (query.nLayers - kDenseLayers)));
    std::vector<float> scores(static_cast<size_t>(nPagesOf(query, kPageTokens)));
    for (size_t page = 0; page < scores.size(); ++page) {
        const int32_t begin = static_cast<int32_t>(page) * kPageTokens;
        const int32_t end = std::min(begin + kPageTokens, query.position + 1);
        for (size_t i = 0; i < query.query.size(); ++i) {
            float least = query.key(begin)[i], most = least;
            for (int32_t k = begin + 1; k < end; ++k) {
                least = std::min(least, query.key(k)[i]);
                most = std::max(most, query.key(k)[i]);
            }
            scores[page] += std::max(query.query[i] * least, query.query[i] * most);
        }
    }
    return bestPages(scores, kPageTokens, std::max(kLeastPages, nPagesFor(tokens, query.position, kPageTokens)),
                     {static_cast<int32_t>(scores.size()) - 1});
}

IntervalList TriForcePolicy::choose(const HeadQuery& query) {
    constexpr int32_t kChunk = 8;
    std::vector<float> scores(static_cast<size_t>(nPagesOf(query, kChunk)));
    std::vector<float> mean(query.query.size());
    for (size_t chunk = 0; chunk < scores.size(); ++chunk) {
        const int32_t begin = static_cast<int32_t>(chunk) * kChunk;
        const int32_t end = std::min(begin + kChunk, query.position + 1);
        std::fill(mean.begin(), mean.end(), 0.0F);
        for (int32_t k = begin; k < end; ++k)
            for (size_t i = 0; i < mean.size(); ++i) mean[i] += query.key(k)[i] / static_cast<float>(end - begin);
        scores[chunk] = product(query.query, mean);
    }
    std::vector<int32_t> always{static_cast<int32_t>(scores.size()) - 1};
    if (always.front() > 0) always.push_back(0);
    return bestPages(scores, kChunk, nPagesFor(budget(), query.position, kChunk), always);
}

IntervalList OraclePolicy::choose(const HeadQuery& query) {
    const std::vector<float> e = exponentials(query);
    std::vector<float> mass(static_cast<size_t>(nPagesOf(query, kPageTokens)));
    for (size_t k = 0; k < e.size(); ++k) mass[k / kPageTokens] += e[k];
    return bestPages(mass, kPageTokens, nPagesFor(budget(), query.position, kPageTokens),
                     {static_cast<int32_t>(mass.size()) - 1});
}

QueryMask SnapKvPolicy::forPrompt(const TokenView& view) {
    m_nPrompt = view.position + 1;
    SelectingPolicy::forStep(view);
    return everything();
}

QueryMask SnapKvPolicy::forStep(const TokenView& view) {
    QueryMask all = SelectingPolicy::forStep(view);
    if (m_capacity < 0) m_capacity = budget();
    return all;
}

void SnapKvPolicy::observe(const HeadQuery& query) {
    const size_t at = indexOf(query);
    if (m_seen.size() <= at) m_seen.resize(static_cast<size_t>(query.nLayers) * static_cast<size_t>(query.nHeads));
    std::vector<float>& seen = m_seen[at];
    const int32_t nBefore = std::max(0, m_nPrompt - kObserved);
    seen.resize(static_cast<size_t>(nBefore));
    addWeights(query, seen);
}

IntervalList SnapKvPolicy::choose(const HeadQuery& query) {
    IntervalList all{{0, query.position + 1}};
    if (query.position < m_nPrompt) {
        observe(query);
        return all;
    }
    if (m_nPrompt < m_capacity || m_nPrompt <= kObserved) return all;
    const size_t at = indexOf(query);
    if (m_seen.size() <= at) return all;  // the prompt was not decoded under this policy
    m_kept.resize(m_seen.size());
    IntervalList& kept = m_kept[at];
    if (kept.empty()) {
        const std::vector<float>& seen = m_seen[at];
        const auto n = static_cast<int32_t>(seen.size());
        std::vector<float> smoothed(seen.size());
        for (int32_t k = 0; k < n; ++k)
            for (int32_t j = std::max(0, k - kPool / 2); j <= std::min(n - 1, k + kPool / 2); ++j)
                smoothed[static_cast<size_t>(k)] += seen[static_cast<size_t>(j)] / kPool;
        if (const int32_t best = m_capacity - kObserved; best > 0) kept = bestPages(smoothed, 1, best, {});
        kept.push_back({n, kOpenEnd});
        kept = normalised(std::move(kept));
    }
    return kept;
}

QueryMask VegasPolicy::forPrompt(const TokenView& view) {
    m_first = m_last = view.position;
    SelectingPolicy::forStep(view);
    return everything();
}

QueryMask VegasPolicy::forStep(const TokenView& view) {
    if (view.position > m_last) {
        m_ranked = std::exchange(m_ranking, {});
        m_first = view.position;
        m_last = m_first + kDrafted;
    }
    return SelectingPolicy::forStep(view);
}

IntervalList VegasPolicy::choose(const HeadQuery& query) {
    const auto layer = static_cast<size_t>(query.layer);
    if (query.position == m_first || query.position == m_last) {
        m_ranking.resize(static_cast<size_t>(query.nLayers));
        m_ranking[layer].resize(static_cast<size_t>(m_first) + 1);
        addWeights(query, m_ranking[layer]);
    }
    if (m_ranked.empty()) return {{0, query.position + 1}};  // in the prompt, or it was not decoded under this policy
    const std::vector<float>& ranked = m_ranked[layer];
    const auto nRanked = static_cast<int32_t>(ranked.size());
    IntervalList list = bestPages(ranked, 1, std::max(1, budget() - (query.position + 1 - nRanked)), {});
    list.push_back({nRanked, query.position + 1});
    return normalised(std::move(list));
}

}  // namespace spanscope
