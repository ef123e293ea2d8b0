// Where each token of a transcript stands: rows of tokens, wrapped at a width. Knows widths and breaks, nothing of
// fonts or painting, so it is tested without a window. Appending costs the new tokens only; a whole layout of
// 50,000 tokens is one pass of additions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spanscope {

struct TokenBox {
    int32_t width = 0;
    bool mayBreakBefore = false;  ///< a word or a chip starts here
    bool endsLine = false;        ///< newline piece
    bool startsBlock = false;     ///< first token of a prompt line or of an out-segment
    bool startsSection = false;   ///< first token of the prompt, of the response
};

struct TranscriptRow {
    int32_t first = 0, end = 0;  ///< tokens [first, end)
    int32_t y = 0;               ///< top, from the top of the document
    int32_t indent = 0;
    bool startsBlock = false;
    bool startsSection = false;  ///< a caption stands above it
};

struct TranscriptMetrics {
    int32_t width = 600;  ///< for tokens
    int32_t rowHeight = 24;
    int32_t blockGap = 4;        ///< above a row that starts a block
    int32_t sectionGap = 40;     ///< above a row that starts a section, room for its caption
    int32_t hangingIndent = 24;  ///< of rows that continue a block
};

class TranscriptLayout {
  public:
    void reset(const TranscriptMetrics& metrics);
    void append(const TokenBox& box);

    int nTokens() const { return static_cast<int>(m_boxes.size()); }
    int height() const;
    const std::vector<TranscriptRow>& rows() const { return m_rows; }
    const TokenBox& box(int token) const { return m_boxes[static_cast<size_t>(token)]; }
    const TranscriptMetrics& metrics() const { return m_metrics; }

    /// Index of the row at or below y; rows().size() below the last.
    int rowAt(int y) const;
    int rowOfToken(int token) const;  ///< -1 if there is none
    int xOfToken(int token) const;    ///< left edge
    /// Token at a point of the document, -1 where there is none.
    int tokenAt(int x, int y) const;

  private:
    void startRow(int token, bool block, bool section);

    TranscriptMetrics m_metrics;
    std::vector<TokenBox> m_boxes;
    std::vector<TranscriptRow> m_rows;
    int32_t m_x = 0;
    int32_t m_breakToken = -1;  ///< last place in the row where it may be broken
};

}  // namespace spanscope
