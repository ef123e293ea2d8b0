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

/// At most: one that begins and ends within a page touches two more than its whole ones.
int32_t pagesOfWindow(int32_t window) { return window / kPageTokens + 2; }

/// Pages that `maxItems` tokens of different sequences read at most.
size_t mostPages(int32_t window, size_t poolPages, int32_t maxItems) {
    if (window <= 0) return poolPages;
    return std::min(poolPages, static_cast<size_t>(pagesOfWindow(window)) * static_cast<size_t>(maxItems));
}

}  // namespace

StepPlan::StepPlan(int32_t window, size_t poolPages, int32_t maxItems)
    : m_window(window),
      m_pages(mostPages(window, poolPages, maxItems)),
      m_items(static_cast<size_t>(maxItems)),
      m_chunks(m_pages.size() / kChunkPages + static_cast<size_t>(maxItems)) {}

void StepPlan::add(std::span<const Interval> visible, int32_t position, std::span<const int32_t> pageTable) {
    int32_t most = position / kPageTokens + 1;
    if (m_window > 0) most = std::min(most, pagesOfWindow(m_window));
    const auto wanted = static_cast<size_t>(m_nPages + most);
    if (m_pages.size() < wanted) m_pages.resize(wanted);  // several tokens of one sequence
    Item& item = m_items[static_cast<size_t>(m_nItems++)];
    item.pageTable = pageTable.data();
    item.firstPage = m_nPages;
    item.nPages = planPages(visible, position, m_window, pageTable, m_pages.data() + m_nPages);
    m_nPages += item.nPages;
}

/// Whether the pages of `before` are the first of the item's.
bool StepPlan::goesOn(const Item& item, const Item& before) const {
    if (item.pageTable != before.pageTable || item.nPages < before.nPages) return false;
    const PageRef* pages = m_pages.data();
    return std::equal(pages + before.firstPage, pages + before.firstPage + before.nPages, pages + item.firstPage,
                      [](const PageRef& a, const PageRef& b) { return a.pool == b.pool; });
}

void StepPlan::seal() {
    const auto at = [this](int32_t i) -> const Item& { return m_items[static_cast<size_t>(i)]; };
    for (int32_t first = 0, end = 0; first < m_nItems; first = end) {
        for (end = first + 1; end < m_nItems && goesOn(at(end), at(end - 1));) ++end;
        addChunks(first, end - first);
    }
}

/// Of tokens that share them.
void StepPlan::addChunks(int32_t item, int32_t nItems) {
    const int32_t nPages = m_items[static_cast<size_t>(item + nItems - 1)].nPages;
    const auto chunksOf = [](int32_t pages) { return (pages + kChunkPages - 1) / kChunkPages; };
    for (int32_t i = 0; i < nItems; ++i) {
        Item& own = m_items[static_cast<size_t>(item + i)];
        own.partials = {m_nPartials + i, chunksOf(own.nPages), nItems};
    }
    const auto most = static_cast<size_t>(m_nChunks + chunksOf(nPages));
    if (m_chunks.size() < most) m_chunks.resize(most);
    for (int32_t p = 0; p < nPages; p += kChunkPages) {
        PageChunk& chunk = m_chunks[static_cast<size_t>(m_nChunks++)];
        chunk = {item, nItems, p, std::min(kChunkPages, nPages - p), m_nPartials, m_nMasks};
        m_nPartials += nItems;
        if (nItems > 1) addMasks(chunk);
    }
    m_mostTogether = std::max(m_mostTogether, nItems);
}

void StepPlan::addMasks(const PageChunk& chunk) {
    const auto n = static_cast<size_t>(chunk.nItems * kChunkPages);
    if (m_masks.size() < static_cast<size_t>(m_nMasks) + n) m_masks.resize(static_cast<size_t>(m_nMasks) + n);
    uint32_t* mask = m_masks.data() + m_nMasks;
    for (int32_t i = 0; i < chunk.nItems; ++i) {
        const Item& item = m_items[static_cast<size_t>(chunk.item + i)];
        for (int32_t p = chunk.firstPage; p < chunk.firstPage + kChunkPages; ++p)
            *mask++ = p < item.nPages ? m_pages[static_cast<size_t>(item.firstPage + p)].mask : 0;
    }
    m_nMasks += static_cast<int32_t>(n);
}

}  // namespace spanscope::cpu
