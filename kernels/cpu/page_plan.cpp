#include "kernels/cpu/page_plan.h"

#include <algorithm>

namespace spanscope::cpu {

int32_t planPages(std::span<const Interval> list, int32_t query, int32_t window, std::span<const int32_t> pageTable,
                  PageRef* out) {
    int32_t n = 0;
    for (const Interval& interval : list) {
        const Interval c = clipToQuery(interval, query, window);
        for (int32_t at = c.begin; at < c.end;) {
            const int32_t page = at / kPageTokens;
            const int32_t first = page * kPageTokens;
            const int32_t end = std::min(c.end, first + kPageTokens);
            const uint32_t bits = ((1u << (end - first)) - 1u) & ~((1u << (at - first)) - 1u);
            if (n > 0 && out[n - 1].first == first) out[n - 1].mask |= bits;
            else out[n++] = {pageTable[static_cast<size_t>(page)], first, bits};
            at = end;
        }
    }
    return n;
}

namespace {

/// Pages that `maxItems` tokens read at most.
size_t mostPages(int32_t window, size_t poolPages, int32_t maxItems) {
    if (window <= 0) return poolPages;
    // A window that begins and ends within a page touches two more than its whole ones.
    const size_t ofOne = static_cast<size_t>(window / kPageTokens) + 2;
    return std::min(poolPages, ofOne * static_cast<size_t>(maxItems));
}

}  // namespace

StepPlan::StepPlan(int32_t window, size_t poolPages, int32_t maxItems)
    : m_window(window),
      m_pages(mostPages(window, poolPages, maxItems)),
      m_chunks(m_pages.size() / kChunkPages + static_cast<size_t>(maxItems)),
      m_firstChunk(static_cast<size_t>(maxItems) + 1) {}

void StepPlan::add(std::span<const Interval> visible, int32_t position, std::span<const int32_t> pageTable) {
    const int32_t nPages = planPages(visible, position, m_window, pageTable, m_pages.data() + m_nPages);
    for (int32_t p = 0; p < nPages; p += kChunkPages)
        m_chunks[static_cast<size_t>(m_nChunks++)] = {m_nItems, m_nPages + p, std::min(kChunkPages, nPages - p)};
    m_nPages += nPages;
    m_firstChunk[static_cast<size_t>(++m_nItems)] = m_nChunks;
}

}  // namespace spanscope::cpu
