// How the transcript is drawn: visible rows only, each shaped once, chips from a cache.
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <algorithm>

#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/segment_summary.h"
#include "ui/model/tint.h"
#include "ui/views/transcript/transcript_margins.h"
#include "ui/views/transcript/transcript_view.h"

namespace spanscope {

using namespace transcript;

/// Colours of one paint, mixed once.
struct TranscriptView::Look {
    QColor text, dimmed, quiet, lit, litLine, chip, chipText, current, currentText, range, hit, hitCurrent, differs;
    QColor right, wrong, doubtful;
};

void TranscriptView::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    if (m_layout.nItems() == 0) {
        paintEmpty(painter);
        return;
    }
    const QPalette& p = palette();
    const QColor base = p.color(QPalette::Base), text = p.color(QPalette::Text), accent = p.color(QPalette::Highlight);
    Look look;
    look.text = text;
    look.dimmed = dimmedText(p);
    look.quiet = quietText(p);
    look.lit = mix(base, accent, 0.22);
    look.litLine = accent;
    look.chip = mix(base, text, 0.09);
    look.chipText = mix(base, text, 0.72);
    look.current = accent;
    look.currentText = p.color(QPalette::HighlightedText);
    look.range = mix(base, accent, 0.55);
    look.hit = mix(base, p.color(QPalette::LinkVisited), 0.30);
    look.hitCurrent = mix(base, p.color(QPalette::LinkVisited), 0.60);
    look.differs = p.color(QPalette::LinkVisited);
    look.right = verdictColour(Verdict::Right, p);
    look.wrong = verdictColour(Verdict::Wrong, p);
    look.doubtful = verdictColour(Verdict::Doubtful, p);
    const int top = verticalScrollBar()->value();
    painter.translate(kMargin, kTopMargin - top);
    const auto& rows = m_layout.rows();
    for (int i = std::max(0, m_layout.rowAt(top - kTopMargin)); i < static_cast<int>(rows.size()); ++i) {
        const TranscriptRow& row = rows[static_cast<size_t>(i)];
        if (row.y - m_layout.metrics().sectionGap > top + viewport()->height()) break;
        if (row.startsSection) paintCaption(painter, row, look);
        paintRow(painter, i, look);
        if (row.startsBlock && meterWidth()) paintMeter(painter, row, look);
    }
    painter.resetTransform();
    paintPills(painter);
}

int TranscriptView::meterWidth() const {
    if (viewport()->width() < 480) return 0;
    return kMeterBar + 8 + QFontMetrics(m_captionFont).horizontalAdvance(QStringLiteral("100 %")) + 16;
}

/// What the steps of the segment loaded, as a share of what dense attention would have: a bar and its number.
void TranscriptView::paintMeter(QPainter& painter, const TranscriptRow& row, const Look& look) const {
    if (!m_items.startsSegment(row.first)) return;
    const int index = m_summaries.rowOfSegment(m_items.segmentOfItem(row.first));
    if (index < 0) return;
    const SegmentSummary& segment = m_summaries.rows()[static_cast<size_t>(index)];
    if (!segment.causal) return;
    const double share = double(segment.loaded) / double(segment.causal);
    const int right = m_layout.metrics().width + meterWidth();
    const int height = m_layout.metrics().rowHeight;
    const QRect bar(right - kMeterBar, row.y + height / 2 - 2, kMeterBar, 4);
    painter.setPen(Qt::NoPen);
    painter.setBrush(look.chip);
    painter.drawRoundedRect(bar, 2, 2);
    painter.setBrush(look.range);
    painter.drawRoundedRect(
        QRectF(bar.left(), bar.top(), std::max(4.0, bar.width() * std::min(1.0, share)), bar.height()), 2, 2);
    painter.setFont(m_captionFont);
    painter.setPen(look.quiet);
    painter.drawText(QRect(m_layout.metrics().width, row.y, meterWidth() - kMeterBar - 8, height),
                     Qt::AlignRight | Qt::AlignVCenter, QString::number(qRound(share * 100)) + QStringLiteral(" %"));
}

int TranscriptView::litOutside(bool above) const {
    const IntervalList* list = visibleList();
    if (!list || m_layout.rows().empty()) return 0;
    const auto& rows = m_layout.rows();
    const int top = verticalScrollBar()->value() - kTopMargin;
    const int nRows = static_cast<int>(rows.size());
    const int query = m_store->data().steps[static_cast<size_t>(m_selection->current())].position;
    // First and last token on the screen; a row counts when most of it shows.
    const int firstRow = std::min(nRows - 1, m_layout.rowAt(top + m_layout.metrics().rowHeight / 2));
    const int lastRow =
        std::min(nRows - 1, m_layout.rowAt(top + viewport()->height() - m_layout.metrics().rowHeight / 2));
    Interval shown{INT32_MAX, 0};  // a line's pieces need not stand in the order of their tokens
    for (int i = firstRow; i <= lastRow; ++i) {
        const Interval tokens = tokensOfRow(rows[static_cast<size_t>(i)]);
        shown = {std::min(shown.begin, tokens.begin), std::max(shown.end, tokens.end)};
    }
    const int from = above ? 0 : shown.end;
    const int to = above ? std::min(shown.begin, query + 1) : query + 1;
    int n = 0;
    for (const Interval& interval : *list) {
        const Interval c = clipToQuery(interval, query);
        n += std::max(0, std::min(c.end, to) - std::max(c.begin, from));
    }
    return n;
}

void TranscriptView::paintPills(QPainter& painter) {
    m_pillAbove = m_pillBelow = {};
    if (!visibleList()) return;
    painter.setFont(m_captionFont);
    const QFontMetrics fm(m_captionFont);
    for (const bool above : {true, false}) {
        const int n = litOutside(above);
        if (!n) continue;
        const QString text = (above ? QStringLiteral("↑  ") : QStringLiteral("↓  ")) +
                             (above ? tr("attended above: %1") : tr("attended below: %1")).arg(formatCount(n));
        const QSize size(fm.horizontalAdvance(text) + 24, fm.height() + 8);
        const QRect pill(
            QPoint((viewport()->width() - size.width()) / 2, above ? 8 : viewport()->height() - size.height() - 8),
            size);
        QPainterPath path;
        path.addRoundedRect(pill, size.height() / 2.0, size.height() / 2.0);
        painter.fillPath(path, palette().color(QPalette::Highlight));
        painter.setPen(palette().color(QPalette::HighlightedText));
        painter.drawText(pill, Qt::AlignCenter, text);
        (above ? m_pillAbove : m_pillBelow) = pill;
    }
}

void TranscriptView::paintEmpty(QPainter& painter) const {
    QFont title = font();
    title.setPointSizeF(font().pointSizeF() * 1.3);
    title.setWeight(QFont::DemiBold);
    const QRect area = viewport()->rect().adjusted(32, 0, -32, 0);
    const int titleHeight = QFontMetrics(title).height();
    const int middle = area.center().y();
    painter.setFont(title);
    painter.setPen(quietText(palette()));
    painter.drawText(QRect(area.left(), middle - titleHeight - 4, area.width(), titleHeight), Qt::AlignHCenter,
                     m_placeholderTitle);
    painter.setFont(font());
    painter.drawText(QRect(area.left(), middle + 8, area.width(), area.height()), Qt::AlignHCenter | Qt::TextWordWrap,
                     m_placeholderText);
}

void TranscriptView::paintCaption(QPainter& painter, const TranscriptRow& row, const Look& look) const {
    const bool prompt = m_items.item(row.first).first < m_store->nPrompt();
    const int n = prompt ? m_store->nPrompt() : m_store->nSteps();
    painter.setFont(m_captionFont);
    painter.setPen(look.quiet);
    const int height = QFontMetrics(m_captionFont).height();
    painter.drawText(
        QRect(0, row.y - height - 6, m_layout.metrics().width, height), Qt::AlignLeft | Qt::AlignVCenter,
        (prompt ? tr("Prompt") : tr("Response")) + QStringLiteral("  ·  ") + tr("%1 tokens").arg(formatCount(n)));
    if (!prompt && meterWidth())
        painter.drawText(QRect(0, row.y - height - 6, m_layout.metrics().width + meterWidth(), height),
                         Qt::AlignRight | Qt::AlignVCenter, tr("loaded vs dense"));
}

const QPixmap& TranscriptView::chip(const QString& text, int width, const QColor& ground, const QColor& ink) const {
    const double ratio = devicePixelRatioF();
    const QString key = text + QChar(0) + ground.name(QColor::HexArgb) + ink.name() + QString::number(ratio);
    auto it = m_chips.find(key);
    if (it != m_chips.end()) return *it;
    const int height = QFontMetrics(m_chipFont).height() + 2;
    QPixmap pixmap(QSizeF(width * ratio, height * ratio).toSize());
    pixmap.setDevicePixelRatio(ratio);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF shape(kChipGap, 0, width - 2 * kChipGap, height);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ground);
    painter.drawRoundedRect(shape, 4, 4);
    painter.setFont(m_chipFont);
    painter.setPen(ink);
    painter.drawText(shape, Qt::AlignCenter, text);
    painter.end();
    return *m_chips.insert(key, pixmap);
}

const QColor& TranscriptView::inkOf(const TranscriptItem& item, bool current, bool dim, const Look& look) const {
    if (current) return look.currentText;
    switch (item.role) {
        case PlainRole::Right: return look.right;
        case PlainRole::Wrong:
        case PlainRole::WrongCell: return look.wrong;
        case PlainRole::Quiet: return dim ? look.dimmed : look.quiet;
        case PlainRole::Source: return dim ? look.dimmed : look.litLine;
        default: break;
    }
    return dim || (item.role == PlainRole::Token && item.endsLine) ? look.dimmed : look.text;
}

void TranscriptView::paintRow(QPainter& painter, int index, const Look& look) const {
    const TranscriptRow& row = m_layout.rows()[static_cast<size_t>(index)];
    const RowShape& shaped = shape(index);
    const int rowHeight = m_layout.metrics().rowHeight;
    const int nPrompt = m_store->nPrompt();
    const IntervalList* list = visibleList();
    const int query = list ? m_store->data().steps[static_cast<size_t>(m_selection->current())].position : -1;
    const bool range = m_selection->isLocked() && m_selection->lockedEnd() > m_selection->locked();
    const Interval chosen{m_selection->locked() + nPrompt, m_selection->lockedEnd() + nPrompt + 1};
    const QFontMetrics fm(m_textFont);
    const int chipHeight = QFontMetrics(m_chipFont).height() + 2;
    const QColor dimChip = mix(palette().color(QPalette::Base), look.chip, 0.5);
    const auto overlap = [](const TranscriptItem& item, const Interval& tokens) {
        return item.first < tokens.end && tokens.begin < item.end;
    };
    std::vector<QColor> inks(static_cast<size_t>(row.end - row.first));
    bool anyLit = false;
    for (int i = row.first; i < row.end; ++i) {
        const TranscriptItem& item = m_items.item(i);
        const RowShape::Edges& edges = shaped.edges(i - row.first);
        const QRectF cell(edges.left, row.y + 2, edges.width(), rowHeight - 4);
        const bool ofTokens = item.first < item.end;
        const bool isCurrent = ofTokens && query >= item.first && query < item.end;
        bool lit = false;
        for (int t = item.first; list && !lit && t < item.end; ++t) lit = mayRead(*list, query, t);
        const bool dim = list && ofTokens && !lit && !isCurrent;
        anyLit = anyLit || lit;
        if (isCurrent) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(look.current);
            painter.drawRoundedRect(cell, 3, 3);
        } else if (range && overlap(item, chosen)) {
            painter.fillRect(cell, look.range);
        } else if (lit) {
            painter.fillRect(cell, look.lit);
            painter.fillRect(QRectF(cell.left(), cell.bottom() - 1, cell.width(), 2), look.litLine);
        }
        if (ofTokens && !m_hits.empty()) {
            const auto hit = std::upper_bound(m_hits.begin(), m_hits.end(), item.first,
                                              [](int v, const auto& h) { return v < h.second; });
            if (hit != m_hits.end() && hit->first < item.end)
                painter.fillRect(cell, hit - m_hits.begin() == m_currentHit ? look.hitCurrent : look.hit);
        }
        bool other = false;
        for (int t = item.first; !other && t < item.end; ++t) other = differs(t - nPrompt);
        if (other || item.role == PlainRole::Unsupported) {  // lines below, so that they show without colour
            painter.setPen(other ? QPen(look.differs, 2, Qt::DotLine) : QPen(look.doubtful, 2, Qt::DashLine));
            painter.drawLine(QPointF(cell.left() + 1, cell.bottom()), QPointF(cell.right() - 1, cell.bottom()));
        }
        const QColor& ink = inks[static_cast<size_t>(i - row.first)] = inkOf(item, isCurrent, dim, look);
        if (item.isCell()) {
            const QString text = m_items.text(m_store->data(), i);
            if (item.role == PlainRole::WrongCell) {
                painter.setPen(QPen(look.wrong, 1.5));
                painter.setBrush(Qt::NoBrush);
                painter.drawRoundedRect(cell.adjusted(1, 1, -1, -1), 3, 3);
            }
            painter.setPen(ink);
            if (text == QStringLiteral("\u2500")) {
                painter.fillRect(QRectF(cell.left(), cell.center().y(), cell.width(), 1), look.quiet);
            } else {
                painter.setFont(m_cellFont);
                painter.drawText(cell, Qt::AlignCenter, text);
            }
        } else if (isChip(item)) {
            const QColor& ground = isCurrent ? look.current : dim ? dimChip : look.chip;
            const QColor& chipInk = isCurrent ? look.currentText : dim ? look.dimmed : look.chipText;
            const QString text = m_items.text(m_store->data(), i);
            painter.drawPixmap(QPointF(edges.left, row.y + (rowHeight - chipHeight) / 2),
                               chip(text, m_layout.box(i).width, ground, chipInk));
        }
    }
    painter.setFont(m_textFont);
    shaped.draw(&painter, row.y + (rowHeight - fm.height()) / 2.0 + fm.ascent(), row.y, row.y + rowHeight, inks);
    if (anyLit) painter.fillRect(QRect(-10, row.y + 2, kBarWidth, rowHeight - 2), look.litLine);
}

}  // namespace spanscope
