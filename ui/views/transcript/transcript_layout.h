// Which row each item of a transcript stands in (transcript_items.h): rows of items, wrapped at a width. Knows widths
// and breaks, nothing of fonts or painting, so it is tested without a window. Appending costs the new items only; a
// whole layout of 50,000 items is one pass of additions. Where an item stands in its row says the row's shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spanscope {

struct ItemBox {
    int32_t width = 0;
    bool mayBreakBefore = false;  ///< a word or a chip starts here
    bool endsLine = false;        ///< newline piece
    bool continuesBlock = false;  ///< the row that it begins belongs to the block above, and is not wrapped
    bool startsBlock = false;     ///< first item of a prompt line or of an out-segment
    bool startsSection = false;   ///< first item of the prompt, of the response
};

struct TranscriptRow {
    int32_t first = 0, end = 0;  ///< items [first, end)
    int32_t y = 0;               ///< top, from the top of the document
    int32_t indent = 0;
    bool startsBlock = false;
    bool startsSection = false;  ///< a caption stands above it
};

struct TranscriptMetrics {
    int32_t width = 600;  ///< for items
    int32_t rowHeight = 24;
    int32_t blockGap = 4;        ///< above a row that starts a block
    int32_t sectionGap = 40;     ///< above a row that starts a section, room for its caption
    int32_t hangingIndent = 24;  ///< of rows that continue a block
};

class TranscriptLayout {
  public:
    void reset(const TranscriptMetrics& metrics);
    void append(const ItemBox& box);

    int nItems() const { return static_cast<int>(m_boxes.size()); }
    int height() const;
    const std::vector<TranscriptRow>& rows() const { return m_rows; }
    const ItemBox& box(int item) const { return m_boxes[static_cast<size_t>(item)]; }
    const TranscriptMetrics& metrics() const { return m_metrics; }

    /// Takes items away from the end. `item` is the first of a row, or the number of items.
    void truncate(int item);
    /// Items [first, end), which fill whole rows, make way for others, the first of which starts a block.
    void splice(int first, int end, const std::vector<ItemBox>& boxes);

    /// Index of the row at or below y; rows().size() below the last.
    int rowAt(int y) const;
    int rowOfItem(int item) const;  ///< -1 if there is none

  private:
    void startRow(int item, bool block, bool section);

    TranscriptMetrics m_metrics;
    std::vector<ItemBox> m_boxes;
    std::vector<TranscriptRow> m_rows;
    int32_t m_x = 0;
    int32_t m_breakItem = -1;  ///< last place in the row where it may be broken
};

}  // namespace spanscope
