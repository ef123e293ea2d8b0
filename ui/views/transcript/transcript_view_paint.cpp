// How the transcript is drawn: visible rows only, chips from a cache, neighbours of one colour as one string.
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <algorithm>

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
};

void TranscriptView::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    if (m_layout.nTokens() == 0) {
        paintEmpty(painter);
        return;
    }
    const QPalette& p = palette();
    const QColor base = p.color(QPalette::Base), text = p.color(QPalette::Text), accent = p.color(QPalette::Highlight);
    Look look;
    look.text = text;
    look.dimmed = mix(base, text, 0.34);
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
    const int top = verticalScrollBar()->value();
    painter.translate(kMargin, kTopMargin - top);
    const auto& rows = m_layout.rows();
    for (int i = std::max(0, m_layout.rowAt(top - kTopMargin)); i < static_cast<int>(rows.size()); ++i) {
        const TranscriptRow& row = rows[static_cast<size_t>(i)];
        if (row.y - m_layout.metrics().sectionGap > top + viewport()->height()) break;
        if (row.startsSection) paintCaption(painter, row, look);
        paintRow(painter, row, look);
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
    const int row_ = m_summaries.rowOfStep(row.first - m_store->nPrompt());
    if (row_ < 0) return;
    const SegmentSummary& segment = m_summaries.rows()[static_cast<size_t>(row_)];
    if (!segment.causal || segment.firstStep != row.first - m_store->nPrompt()) return;
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
    const int from = above ? 0 : rows[static_cast<size_t>(lastRow)].end;
    const int to = above ? rows[static_cast<size_t>(firstRow)].first : query + 1;
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
    const bool prompt = row.first < m_store->nPrompt();
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

void TranscriptView::paintRow(QPainter& painter, const TranscriptRow& row, const Look& look) const {
    const int rowHeight = m_layout.metrics().rowHeight;
    const int nPrompt = m_store->nPrompt();
    const IntervalList* list = visibleList();
    const int query = list ? m_store->data().steps[static_cast<size_t>(m_selection->current())].position : -1;
    const bool range = m_selection->isLocked() && m_selection->lockedEnd() > m_selection->locked();
    const int first = m_selection->locked() + nPrompt, last = m_selection->lockedEnd() + nPrompt;
    const QFontMetrics fm(m_textFont);
    const int chipHeight = QFontMetrics(m_chipFont).height() + 2;
    const int baseline = row.y + (rowHeight - fm.height()) / 2 + fm.ascent();
    const QColor dimChip = mix(palette().color(QPalette::Base), look.chip, 0.5);
    // Neighbours of one colour are drawn as one string: the text font is fixed-width, so widths add up.
    QString run;
    int runX = 0;
    const QColor* runPen = nullptr;
    painter.setFont(m_textFont);
    const auto flush = [&] {
        if (run.isEmpty()) return;
        painter.setPen(*runPen);
        painter.drawText(runX, baseline, run);
        run.clear();
    };
    int x = row.indent;
    bool anyLit = false;
    for (int t = row.first; t < row.end; ++t) {
        const TokenInfo& info = token(t);
        const int width = m_layout.box(t).width;
        const QRect cell(x, row.y + 2, width, rowHeight - 4);
        const bool isCurrent = t == query;
        const bool lit = list && mayRead(*list, query, t);
        const bool dim = list && !lit && !isCurrent;
        anyLit = anyLit || lit;
        if (isCurrent) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(look.current);
            painter.drawRoundedRect(cell, 3, 3);
        } else if (range && t >= first && t <= last) {
            painter.fillRect(cell, look.range);
        } else if (lit) {
            painter.fillRect(cell, look.lit);
            painter.fillRect(QRect(cell.left(), cell.bottom(), cell.width(), 2), look.litLine);
        }
        if (!m_hits.empty()) {
            auto hit =
                std::upper_bound(m_hits.begin(), m_hits.end(), t, [](int v, const auto& h) { return v < h.second; });
            if (hit != m_hits.end() && hit->first <= t)
                painter.fillRect(cell, hit - m_hits.begin() == m_currentHit ? look.hitCurrent : look.hit);
        }
        if (differs(t - nPrompt)) {  // dots below, so that it shows without colour
            painter.setPen(QPen(look.differs, 2, Qt::DotLine));
            painter.drawLine(cell.left() + 1, cell.bottom() + 1, cell.right() - 1, cell.bottom() + 1);
        }
        const QString text = shownText(info);
        if (info.special) {
            flush();
            const QColor& ground = isCurrent ? look.current : dim ? dimChip : look.chip;
            const QColor& ink = isCurrent ? look.currentText : dim ? look.dimmed : look.chipText;
            painter.drawPixmap(QPointF(x, row.y + (rowHeight - chipHeight) / 2), chip(text, width, ground, ink));
        } else {
            const QColor& pen = isCurrent                         ? look.currentText
                                : dim || m_layout.box(t).endsLine ? look.dimmed
                                                                  : look.text;
            if (&pen != runPen) flush();
            if (run.isEmpty()) runX = x;
            runPen = &pen;
            run += text;
        }
        x += width;
    }
    flush();
    if (anyLit) painter.fillRect(QRect(-10, row.y + 2, kBarWidth, rowHeight - 2), look.litLine);
}

}  // namespace spanscope
