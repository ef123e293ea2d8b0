#include "ui/views/transcript/transcript_layout.h"

#include <algorithm>

namespace spanscope {

void TranscriptLayout::reset(const TranscriptMetrics& metrics) {
    m_metrics = metrics;
    m_boxes.clear();
    m_rows.clear();
    m_x = 0;
    m_breakItem = -1;
}

void TranscriptLayout::startRow(int item, bool block, bool section) {
    TranscriptRow row;
    row.first = row.end = item;
    row.y = m_rows.empty() ? 0 : m_rows.back().y + m_metrics.rowHeight;
    if (section) row.y += m_metrics.sectionGap;
    else if (block) row.y += m_metrics.blockGap;
    row.indent = block ? 0 : m_metrics.hangingIndent;
    row.startsBlock = block;
    row.startsSection = section;
    m_rows.push_back(row);
    m_x = row.indent;
    m_breakItem = -1;
}

void TranscriptLayout::append(const ItemBox& box) {
    const int item = nItems();
    const bool afterNewline = item > 0 && m_boxes.back().endsLine;
    m_boxes.push_back(box);
    if (m_rows.empty() || box.startsBlock || box.startsSection) {
        startRow(item, true, box.startsSection);
    } else if (afterNewline) {
        startRow(item, !box.continuesBlock, false);
    } else if (m_x + box.width > m_metrics.width && m_x > m_rows.back().indent && !box.continuesBlock) {
        const int breakAt = box.mayBreakBefore || m_breakItem < 0 ? item : m_breakItem;
        m_rows.back().end = breakAt;
        startRow(breakAt, false, false);
        for (int i = breakAt; i <= item; ++i) {  // the hanging indent may leave less room than the row above had
            const int width = m_boxes[static_cast<size_t>(i)].width;
            if (m_x + width > m_metrics.width && m_x > m_rows.back().indent) {
                m_rows.back().end = i;
                startRow(i, false, false);
            }
            if (i < item) m_x += width;
        }
    } else if (box.mayBreakBefore && item > m_rows.back().first) {
        m_breakItem = item;
    }
    m_x += box.width;
    m_rows.back().end = item + 1;
}

void TranscriptLayout::truncate(int item) {
    if (item >= nItems()) return;
    while (!m_rows.empty() && m_rows.back().first >= item) m_rows.pop_back();
    m_boxes.resize(static_cast<size_t>(item));
    m_breakItem = -1;
    m_x = 0;
    if (m_rows.empty()) return;
    m_rows.back().end = item;
    m_x = m_rows.back().indent;
    for (int i = m_rows.back().first; i < item; ++i) m_x += m_boxes[static_cast<size_t>(i)].width;
}

void TranscriptLayout::splice(int first, int end, const std::vector<ItemBox>& boxes) {
    const auto from = std::lower_bound(m_rows.begin(), m_rows.end(), end,
                                       [](const TranscriptRow& row, int item) { return row.first < item; });
    std::vector<TranscriptRow> rows(from, m_rows.end());
    std::vector<ItemBox> rest(m_boxes.begin() + end, m_boxes.end());
    const int32_t x = m_x, breakItem = m_breakItem;
    const int32_t bottom = from == m_rows.begin() ? 0 : (from - 1)->y;
    truncate(first);
    for (const ItemBox& box : boxes) append(box);
    if (rest.empty()) return;
    const int32_t items = nItems() - end, down = m_rows.back().y - bottom;
    m_boxes.insert(m_boxes.end(), rest.begin(), rest.end());
    for (TranscriptRow& row : rows) {
        row.first += items;
        row.end += items;
        row.y += down;
    }
    m_rows.insert(m_rows.end(), rows.begin(), rows.end());
    m_x = x;
    m_breakItem = breakItem < 0 ? -1 : breakItem + items;
}

int TranscriptLayout::height() const { return m_rows.empty() ? 0 : m_rows.back().y + m_metrics.rowHeight; }

int TranscriptLayout::rowAt(int y) const {
    const auto it = std::upper_bound(m_rows.begin(), m_rows.end(), y, [this](int value, const TranscriptRow& row) {
        return value < row.y + m_metrics.rowHeight;
    });
    return static_cast<int>(it - m_rows.begin());
}

int TranscriptLayout::rowOfItem(int item) const {
    if (item < 0 || item >= nItems()) return -1;
    const auto it = std::upper_bound(m_rows.begin(), m_rows.end(), item,
                                     [](int value, const TranscriptRow& row) { return value < row.end; });
    return static_cast<int>(it - m_rows.begin());
}

}  // namespace spanscope
