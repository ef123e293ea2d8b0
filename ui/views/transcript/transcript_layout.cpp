#include "ui/views/transcript/transcript_layout.h"

#include <algorithm>

namespace spanscope {

void TranscriptLayout::reset(const TranscriptMetrics& metrics) {
    m_metrics = metrics;
    m_boxes.clear();
    m_rows.clear();
    m_x = 0;
    m_breakToken = -1;
}

void TranscriptLayout::startRow(int token, bool block, bool section) {
    TranscriptRow row;
    row.first = row.end = token;
    row.y = m_rows.empty() ? 0 : m_rows.back().y + m_metrics.rowHeight;
    if (section) row.y += m_metrics.sectionGap;
    else if (block) row.y += m_metrics.blockGap;
    row.indent = block ? 0 : m_metrics.hangingIndent;
    row.startsBlock = block;
    row.startsSection = section;
    m_rows.push_back(row);
    m_x = row.indent;
    m_breakToken = -1;
}

void TranscriptLayout::append(const TokenBox& box) {
    const int token = nTokens();
    const bool afterNewline = token > 0 && m_boxes.back().endsLine;
    m_boxes.push_back(box);
    if (m_rows.empty() || box.startsBlock || box.startsSection || afterNewline) {
        startRow(token, true, box.startsSection);
    } else if (m_x + box.width > m_metrics.width && m_x > m_rows.back().indent) {
        const int breakAt = box.mayBreakBefore || m_breakToken < 0 ? token : m_breakToken;
        m_rows.back().end = breakAt;
        startRow(breakAt, false, false);
        for (int t = breakAt; t <= token; ++t) {  // the hanging indent may leave less room than the row above had
            const int width = m_boxes[static_cast<size_t>(t)].width;
            if (m_x + width > m_metrics.width && m_x > m_rows.back().indent) {
                m_rows.back().end = t;
                startRow(t, false, false);
            }
            if (t < token) m_x += width;
        }
    } else if (box.mayBreakBefore && token > m_rows.back().first) {
        m_breakToken = token;
    }
    m_x += box.width;
    m_rows.back().end = token + 1;
}

int TranscriptLayout::height() const { return m_rows.empty() ? 0 : m_rows.back().y + m_metrics.rowHeight; }

int TranscriptLayout::rowAt(int y) const {
    const auto it = std::upper_bound(m_rows.begin(), m_rows.end(), y, [this](int value, const TranscriptRow& row) {
        return value < row.y + m_metrics.rowHeight;
    });
    return static_cast<int>(it - m_rows.begin());
}

int TranscriptLayout::rowOfToken(int token) const {
    if (token < 0 || token >= nTokens()) return -1;
    const auto it = std::upper_bound(m_rows.begin(), m_rows.end(), token,
                                     [](int value, const TranscriptRow& row) { return value < row.end; });
    return static_cast<int>(it - m_rows.begin());
}

int TranscriptLayout::xOfToken(int token) const {
    const int index = rowOfToken(token);
    if (index < 0) return 0;
    const TranscriptRow& row = m_rows[static_cast<size_t>(index)];
    int x = row.indent;
    for (int t = row.first; t < token; ++t) x += m_boxes[static_cast<size_t>(t)].width;
    return x;
}

int TranscriptLayout::tokenAt(int x, int y) const {
    const int index = rowAt(y);
    if (index >= static_cast<int>(m_rows.size())) return -1;
    const TranscriptRow& row = m_rows[static_cast<size_t>(index)];
    if (y < row.y) return -1;
    int left = row.indent;
    if (x < left) return -1;
    for (int t = row.first; t < row.end; ++t) {
        left += m_boxes[static_cast<size_t>(t)].width;
        if (x < left) return t;
    }
    return -1;
}

}  // namespace spanscope
