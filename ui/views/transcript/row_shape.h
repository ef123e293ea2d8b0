// One row of a transcript, shaped: where each of its items is drawn. Text between chips is shaped as a whole, once,
// with its own base direction, and every item's edges are those of the cursor in it, so that what lies behind an item
// fits its glyphs in any script. GUI thread.
#pragma once

#include <QFont>
#include <QPointF>
#include <QString>
#include <QTextLayout>
#include <memory>
#include <vector>

class QPainter;

namespace spanscope {

/// What shaping has to know of an item.
struct RowPart {
    QString text;
    double width = -1;  ///< of something that is no text, a chip or a cell; -1: text
};

class RowShape {
  public:
    struct Edges {
        double left = 0, right = 0;
        double width() const { return right - left; }
    };

    /// x: of the left edge. right: what a row of right-to-left text ends at.
    RowShape(const std::vector<RowPart>& parts, const QFont& font, double x, double right);

    const Edges& edges(int part) const { return m_edges[static_cast<size_t>(part)]; }
    int partAt(double x) const;  ///< -1: none
    /// Draws the text; colour(part) gives each its pen.
    template <class Colour>
    void draw(QPainter* painter, double baseline, const Colour& colour) const {
        for (const Chunk& chunk : m_chunks) {
            QList<QTextLayout::FormatRange> formats;
            for (size_t i = 0; i < chunk.starts.size(); ++i) {
                QTextLayout::FormatRange range;
                range.start = chunk.starts[i];
                range.length = (i + 1 < chunk.starts.size() ? chunk.starts[i + 1] : int(chunk.layout->text().size())) -
                               range.start;
                if (range.length <= 0) continue;
                range.format.setForeground(colour(chunk.first + int(i)));
                if (!formats.isEmpty() && formats.last().format == range.format) formats.last().length += range.length;
                else formats.append(range);
            }
            const QTextLine line = chunk.layout->lineAt(0);
            chunk.layout->draw(painter, QPointF(chunk.x, baseline - line.ascent()), formats);
        }
    }

  private:
    struct Chunk {
        int first = 0;            ///< part
        std::vector<int> starts;  ///< (its parts) where each begins in the text
        double x = 0;
        std::unique_ptr<QTextLayout> layout;
    };
    double addText(const std::vector<RowPart>& parts, int first, int end, const QFont& font, double x, double right);

    std::vector<Chunk> m_chunks;
    std::vector<Edges> m_edges;  ///< (parts)
};

}  // namespace spanscope
