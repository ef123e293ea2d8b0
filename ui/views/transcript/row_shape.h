// One row of a transcript, shaped: where each of its items is drawn. Text between chips is shaped as a whole, once,
// with its own base direction, and every item's edges are those of the cursor in it, so that what lies behind an item
// fits its glyphs in any script. GUI thread.
#pragma once

#include <QColor>
#include <QFont>
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
    /// Draws the text, each part in its colour. colours: (parts); top and bottom: of the row.
    void draw(QPainter* painter, double baseline, double top, double bottom, const std::vector<QColor>& colours) const;

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
