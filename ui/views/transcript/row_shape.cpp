#include "ui/views/transcript/row_shape.h"

#include <QPainter>
#include <QPainterPath>
#include <QTextOption>
#include <algorithm>
#include <cmath>

namespace spanscope {

namespace {

/// Where each character begins, (text + 1), on a line of one direction: the cursor's places, and between them, inside
/// what the font draws as one, even shares. Empty where both directions meet.
std::vector<double> bordersOf(const QString& text, const QTextLayout& layout, const QTextLine& line) {
    bool leftToRight = false, rightToLeft = false;
    for (const QChar c : text) {
        switch (c.direction()) {
            case QChar::DirL:
            case QChar::DirEN: leftToRight = true; break;
            case QChar::DirR:
            case QChar::DirAL:
            case QChar::DirAN: rightToLeft = true; break;
            default: break;
        }
        if (c.direction() == QChar::DirAN) leftToRight = true;
    }
    if (leftToRight && rightToLeft) return {};
    const int n = static_cast<int>(text.size());
    std::vector<double> x(static_cast<size_t>(n) + 1);
    for (int from = 0; from < n;) {
        int to = from + 1;
        while (to < n && !layout.isValidCursorPosition(to)) ++to;
        const double a = line.cursorToX(from), b = line.cursorToX(to);
        for (int i = from; i <= to; ++i) x[static_cast<size_t>(i)] = a + (b - a) * (i - from) / (to - from);
        from = to;
    }
    if (n == 0) x[0] = line.cursorToX(0);
    return x;
}

}  // namespace

RowShape::RowShape(const std::vector<RowPart>& parts, const QFont& font, double x, double right)
    : m_edges(parts.size()) {
    const int n = static_cast<int>(parts.size());
    const bool onlyText = std::all_of(parts.begin(), parts.end(), [](const RowPart& p) { return p.width < 0; });
    for (int i = 0; i < n;) {
        if (parts[static_cast<size_t>(i)].width >= 0) {
            const double width = parts[static_cast<size_t>(i)].width;
            m_edges[static_cast<size_t>(i++)] = {x, x + width};
            x += width;
            continue;
        }
        int end = i;
        while (end < n && parts[static_cast<size_t>(end)].width < 0) ++end;
        x = addText(parts, i, end, font, x, onlyText ? right : x);
        i = end;
    }
}

double RowShape::addText(const std::vector<RowPart>& parts, int first, int end, const QFont& font, double x,
                         double right) {
    Chunk chunk;
    chunk.first = first;
    QString text;
    for (int i = first; i < end; ++i) {
        chunk.starts.push_back(static_cast<int>(text.size()));
        text += parts[static_cast<size_t>(i)].text;
    }
    QTextOption option;
    option.setWrapMode(QTextOption::NoWrap);
    option.setAlignment(Qt::AlignLeft | Qt::AlignAbsolute);
    option.setTextDirection(text.isRightToLeft() ? Qt::RightToLeft : Qt::LeftToRight);
    option.setFlags(QTextOption::IncludeTrailingSpaces);
    chunk.layout = std::make_unique<QTextLayout>(text, font);
    chunk.layout->setTextOption(option);
    chunk.layout->setCacheEnabled(true);
    chunk.layout->beginLayout();
    QTextLine line = chunk.layout->createLine();
    if (line.isValid()) {
        line.setLineWidth(1e6);
        line.setPosition({0, 0});
    }
    chunk.layout->endLayout();
    if (!line.isValid()) {
        for (int i = first; i < end; ++i) m_edges[static_cast<size_t>(i)] = {x, x};
        return x;
    }
    const double width = line.naturalTextWidth();
    const bool rightToLeft = option.textDirection() == Qt::RightToLeft;
    if (rightToLeft && right > x) x = std::max(x, right - width);
    chunk.x = x - line.naturalTextRect().left();
    const std::vector<double> borders = bordersOf(text, *chunk.layout, line);
    for (int i = first; i < end; ++i) {
        const int from = chunk.starts[static_cast<size_t>(i - first)];
        const int to = i + 1 < end ? chunk.starts[static_cast<size_t>(i + 1 - first)] : static_cast<int>(text.size());
        double left = 1e9, rightEdge = -1e9;
        if (!borders.empty()) {
            left = std::min(borders[static_cast<size_t>(from)], borders[static_cast<size_t>(to)]);
            rightEdge = std::max(borders[static_cast<size_t>(from)], borders[static_cast<size_t>(to)]);
        } else {  // an item may be torn apart by the change of direction: from its first piece to its last
            for (int c = from; c < to; ++c) {
                const double a = line.cursorToX(c, QTextLine::Leading), b = line.cursorToX(c, QTextLine::Trailing);
                left = std::min({left, a, b});
                rightEdge = std::max({rightEdge, a, b});
            }
            if (from == to) left = rightEdge = line.cursorToX(from);
        }
        m_edges[static_cast<size_t>(i)] = {chunk.x + left, chunk.x + rightEdge};
    }
    m_chunks.push_back(std::move(chunk));
    return x + width;
}

void RowShape::draw(QPainter* painter, double baseline, double top, double bottom,
                    const std::vector<QColor>& colours) const {
    for (const Chunk& chunk : m_chunks) {
        const QPointF at(chunk.x, baseline - chunk.layout->lineAt(0).ascent());
        const auto first = static_cast<size_t>(chunk.first), end = first + chunk.starts.size();
        std::vector<QRgb> inks;
        for (size_t i = first; i < end; ++i)
            if (std::find(inks.begin(), inks.end(), colours[i].rgba()) == inks.end()) inks.push_back(colours[i].rgba());
        // The glyphs are shaped once; each colour draws them all and shows its own.
        for (const QRgb ink : inks) {
            painter->setPen(QColor::fromRgba(ink));
            if (inks.size() > 1) {
                QPainterPath own;
                for (size_t i = first; i < end; ++i) {
                    if (colours[i].rgba() != ink) continue;
                    const double left = m_edges[i].left;
                    double right = m_edges[i].right;
                    while (i + 1 < end && colours[i + 1].rgba() == ink && std::abs(m_edges[i + 1].left - right) < 0.5)
                        right = m_edges[++i].right;
                    own.addRect(left, top, right - left, bottom - top);
                }
                painter->save();
                painter->setClipPath(own, Qt::IntersectClip);
            }
            chunk.layout->draw(painter, at);
            if (inks.size() > 1) painter->restore();
        }
    }
}

int RowShape::partAt(double x) const {
    for (size_t i = 0; i < m_edges.size(); ++i)
        if (x >= m_edges[i].left && x < m_edges[i].right) return static_cast<int>(i);
    return -1;
}

}  // namespace spanscope
