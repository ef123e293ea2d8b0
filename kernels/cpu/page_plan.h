// From an interval list to the pages a kernel walks: which page of the pool, and which of its 16 tokens count.
// Made once per step for every window that the model's layers have, and used by all layers of that window.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/visibility.h"

namespace spanscope::cpu {

inline constexpr int32_t kChunkPages = 16;  ///< pages of one token that decode takes together

struct PageRef {
    int32_t pool = 0;   ///< index into the cache's pages
    int32_t first = 0;  ///< token position of its first slot
    uint32_t mask = 0;  ///< bit i: the query may read token first + i
};

/// The newest `window` tokens of the list, 0 = all. out: room for every page up to `query`. Returns how many were
/// written, ascending, none with an empty mask. pageTable: (pages of the sequence) pool index of each.
int32_t planPages(std::span<const Interval> list, int32_t query, int32_t window, std::span<const int32_t> pageTable,
                  PageRef* out);

/// Pages of one token, at most kChunkPages.
struct PageChunk {
    int32_t item = 0;  ///< which token of the step
    int32_t firstPage = 0, nPages = 0;
};

/// What the layers of one window read in a step: the pages of every token, and their division into chunks. Memory is
/// taken when it is made.
class StepPlan {
  public:
    /// poolPages: of the cache; the tokens of a step are of different sequences, so together they have no more.
    StepPlan(int32_t window, size_t poolPages, int32_t maxItems);

    void clear() { m_nPages = m_nChunks = m_nItems = 0; }
    /// The next token of the step.
    void add(std::span<const Interval> visible, int32_t position, std::span<const int32_t> pageTable);

    int32_t window() const { return m_window; }
    std::span<const PageChunk> chunks() const { return {m_chunks.data(), static_cast<size_t>(m_nChunks)}; }
    std::span<const PageRef> pagesOf(const PageChunk& chunk) const {
        return {m_pages.data() + chunk.firstPage, static_cast<size_t>(chunk.nPages)};
    }
    /// Of one token: index of its first chunk, and how many there are.
    int32_t firstChunkOf(int32_t item) const { return m_firstChunk[static_cast<size_t>(item)]; }
    int32_t nChunksOf(int32_t item) const { return firstChunkOf(item + 1) - firstChunkOf(item); }

    size_t maxChunks() const { return m_chunks.size(); }
    size_t nBytes() const { return m_pages.size() * sizeof(PageRef) + m_chunks.size() * sizeof(PageChunk); }

  private:
    int32_t m_window;
    std::vector<PageRef> m_pages;
    std::vector<PageChunk> m_chunks;
    std::vector<int32_t> m_firstChunk;  // (maxItems + 1)
    int32_t m_nPages = 0, m_nChunks = 0, m_nItems = 0;
};

}  // namespace spanscope::cpu
