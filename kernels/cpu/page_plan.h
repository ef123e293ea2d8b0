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

/// Pages that neighbouring tokens of one sequence have in common, at most kChunkPages: each has the first of them, the
/// last token all.
struct PageChunk {
    int32_t item = 0, nItems = 1;       ///< which tokens of the step
    int32_t firstPage = 0, nPages = 0;  ///< of the last token's
    int32_t partial = 0;                ///< index of the first token's result; the others' follow
    int32_t masks = 0;                  ///< where its masks begin, if it is of several tokens
};

/// Which results are one token's: `first`, `first + apart`, ...
struct ItemPartials {
    int32_t first = 0, n = 0, apart = 1;
};

/// What the layers of one window read in a step: the pages of every token, and their division into chunks. Memory for
/// tokens of different sequences is taken when it is made, for several of one when there are such.
class StepPlan {
  public:
    /// poolPages: of the cache; tokens of different sequences together have no more.
    StepPlan(int32_t window, size_t poolPages, int32_t maxItems);

    void clear() { m_nPages = m_nItems = m_nChunks = m_nPartials = m_nMasks = m_mostTogether = 0; }
    /// The next token of the step.
    void add(std::span<const Interval> visible, int32_t position, std::span<const int32_t> pageTable);
    /// After the last one: makes the chunks. Tokens share them where the pages of each are the first of the next one's.
    void seal();

    int32_t window() const { return m_window; }
    std::span<const PageChunk> chunks() const { return {m_chunks.data(), static_cast<size_t>(m_nChunks)}; }
    /// The last token's.
    std::span<const PageRef> pagesOf(const PageChunk& chunk) const {
        const Item& last = m_items[static_cast<size_t>(chunk.item + chunk.nItems - 1)];
        return {m_pages.data() + last.firstPage + chunk.firstPage, static_cast<size_t>(chunk.nPages)};
    }
    /// (nItems, kChunkPages); nullptr for one token.
    const uint32_t* masksOf(const PageChunk& chunk) const {
        return chunk.nItems > 1 ? m_masks.data() + chunk.masks : nullptr;
    }
    ItemPartials partialsOf(int32_t item) const { return m_items[static_cast<size_t>(item)].partials; }

    size_t nPartials() const { return static_cast<size_t>(m_nPartials); }
    int32_t mostTogether() const { return m_mostTogether; }  ///< tokens of a chunk
    size_t maxChunks() const { return m_chunks.size(); }
    size_t nBytes() const {
        return m_pages.size() * sizeof(PageRef) + m_chunks.size() * sizeof(PageChunk) +
               m_masks.size() * sizeof(uint32_t);
    }

  private:
    struct Item {
        const int32_t* pageTable = nullptr;  ///< of its sequence
        int32_t firstPage = 0, nPages = 0;
        ItemPartials partials;
    };
    bool goesOn(const Item& item, const Item& before) const;
    void addChunks(int32_t item, int32_t nItems);
    void addMasks(const PageChunk& chunk);

    int32_t m_window;
    std::vector<PageRef> m_pages;
    std::vector<Item> m_items;
    std::vector<PageChunk> m_chunks;
    std::vector<uint32_t> m_masks;
    int32_t m_nPages = 0, m_nItems = 0, m_nChunks = 0, m_nPartials = 0, m_nMasks = 0, m_mostTogether = 0;
};

}  // namespace spanscope::cpu
