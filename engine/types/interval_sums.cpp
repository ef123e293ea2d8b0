#include "engine/types/interval_sums.h"

#include <algorithm>

namespace spanscope {

namespace {

int32_t firstPage(Interval i) { return i.begin / kPageTokens; }
int32_t pageEnd(Interval i) { return (i.end - 1) / kPageTokens + 1; }  // exclusive; i is not empty

/// The first interval that ends beyond `token`. For a query's own position: what lies before is read whole, what lies
/// after not at all.
size_t firstBeyond(const IntervalList& list, int32_t token) {
    const auto beyond = [](int32_t t, const Interval& i) { return i.end - 1 > t; };
    return static_cast<size_t>(std::upper_bound(list.begin(), list.end(), token, beyond) - list.begin());
}

}  // namespace

IntervalSums::IntervalSums(const IntervalList& list) {
    m_tokens.reserve(list.size());
    m_pages.reserve(list.size());
    int32_t tokens = 0;
    int32_t pages = 0;
    int32_t nextPage = 0;  // first page not counted yet
    for (const Interval& i : list) {
        m_tokens.push_back(tokens);
        m_pages.push_back(pages);
        if (i.begin >= i.end) continue;
        tokens += i.end - i.begin;
        pages += std::max(0, pageEnd(i) - std::max(firstPage(i), nextPage));
        nextPage = std::max(nextPage, pageEnd(i));
    }
}

int32_t IntervalSums::attended(const IntervalList& list, int32_t query) const {
    if (list.empty() || query < 0) return 0;
    const size_t k = firstBeyond(list, query);
    if (k == list.size()) return m_tokens.back() + (list.back().end - list.back().begin);
    const Interval clipped = clipToQuery(list[k], query);
    return m_tokens[k] + (clipped.end - clipped.begin);
}

int32_t IntervalSums::loaded(const IntervalList& list, int32_t query, int32_t window) const {
    if (list.empty() || query < 0) return 0;
    const size_t k = std::min(firstBeyond(list, query), list.size() - 1);
    int32_t pages = m_pages[k];
    int32_t nextPage = k > 0 ? pageEnd(list[k - 1]) : 0;
    if (const Interval clipped = clipToQuery(list[k], query); clipped.begin < clipped.end) {
        pages += std::max(0, pageEnd(clipped) - std::max(firstPage(clipped), nextPage));
        nextPage = std::max(nextPage, pageEnd(clipped));
    }
    if (window > 0 && window <= query) {
        // Off go the pages that hold only tokens older than the window.
        const int32_t first = query - window + 1;
        const size_t j = firstBeyond(list, first - 1);
        if (j == list.size() || list[j].begin > query) return 0;
        const int32_t page = std::max(list[j].begin, first) / kPageTokens;  // the first that stays
        const int32_t countedBefore = j > 0 ? pageEnd(list[j - 1]) : 0;
        pages -= m_pages[j] + std::max(0, page - std::max(firstPage(list[j]), countedBefore));
        if (countedBefore > page) ++pages;  // it was counted for an older interval
    }
    // Nothing beyond the query is stored: only the page that holds it can reach further.
    const int64_t beyond = int64_t{nextPage} * kPageTokens - (int64_t{query} + 1);
    return static_cast<int32_t>(int64_t{pages} * kPageTokens - std::max<int64_t>(0, beyond));
}

}  // namespace spanscope
