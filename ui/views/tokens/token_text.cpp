#include "ui/views/tokens/token_text.h"

#include <QFontDatabase>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QTextLayout>
#include <QToolTip>
#include <algorithm>

#include "engine/types/token_at.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/model/tint.h"
#include "ui/views/plot_parts.h"

namespace spanscope {

namespace {
constexpr int kAtOnce = 8192;  // tokens laid out in one turn of the event loop
constexpr int kMargin = 8;
constexpr qsizetype kTokenCharacters = 60;
}  // namespace

struct TokenText::Line {
    std::unique_ptr<QTextLayout> layout;
    std::vector<double> x;  ///< (tokens + 1) edges
};

TokenText::TokenText(RunStore* store, QWidget* parent) : QAbstractScrollArea(parent), m_store(store) {
    setObjectName("tokenText");
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMinimumHeight(96);
    setAccessibleName(tr("Prompt and response"));
    viewport()->setMouseTracking(true);
    viewport()->setBackgroundRole(QPalette::Base);
    m_rest.setInterval(0);
    m_rest.setSingleShot(true);
    connect(&m_rest, &QTimer::timeout, this, &TokenText::layOutMore);
    connect(m_store, &RunStore::reset, this, &TokenText::layOut);
    connect(m_store, &RunStore::stepsAppended, this, &TokenText::layOutMore);
    layOut();
}

void TokenText::setShades(ShadeOf shade, WordsOf words) {
    m_shade = std::move(shade);
    m_words = std::move(words);
    viewport()->update();
}

void TokenText::setCurrent(int position) {
    if (m_current == position) return;
    m_current = position;
    reveal(position);
    viewport()->update();
}

bool TokenText::isLaidOut() const { return m_laidOut == m_store->nContext(); }

QString TokenText::textOf(int position) const {
    const TokenInfo* token = maybeTokenAt(m_store->data(), position);
    return token ? shownLine(token->text, kTokenCharacters) : QString();
}

void TokenText::layOut() {
    QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    fixed.setPointSizeF(font().pointSizeF());
    viewport()->setFont(fixed);
    m_rowHeight = QFontMetrics(fixed).height() + 4;
    m_width = std::max(40, viewport()->width() - 2 * kMargin);
    m_rows.clear();
    m_laidOut = 0;
    m_x = 0;
    if (m_current >= m_store->nContext()) m_current = -1;
    m_hovered = -1;
    layOutMore();
}

/// Nothing while nobody sees it: a run may come and go behind another panel.
void TokenText::layOutMore() {
    if (!isVisible()) return;
    const int before = m_laidOut;
    const int all = m_store->nContext(), nPrompt = m_store->nPrompt(), end = std::min(all, m_laidOut + kAtOnce);
    const QFontMetricsF metrics(viewport()->font());
    for (int t = m_laidOut; t < end; ++t) {
        const TokenInfo& token = *maybeTokenAt(m_store->data(), t);
        const double width = metrics.horizontalAdvance(textOf(t));
        const bool section = t == 0 || t == nPrompt;
        const bool afterLine = t > 0 && maybeTokenAt(m_store->data(), t - 1)->text.find('\n') != std::string::npos;
        if (section) m_rows.push_back({t, t});
        if (section || afterLine || (m_x + width > m_width && m_rows.back().end > m_rows.back().first)) {
            // Not inside a word where a blank came before it in this row.
            int from = t;
            if (!section && !afterLine && !token.special)
                for (int back = t; back > m_rows.back().first && t - back < 12; --back)
                    if (maybeTokenAt(m_store->data(), back)->special || textOf(back).startsWith(' ')) {
                        from = back;
                        break;
                    }
            m_x = 0;
            if (from < t) {
                m_rows.back().end = from;
                for (int k = from; k < t; ++k) m_x += metrics.horizontalAdvance(textOf(k));
            }
            m_rows.push_back({from, t});
        }
        m_x += width;
        m_rows.back().end = t + 1;
    }
    m_laidOut = end;
    syncScrollBar();
    if (m_current >= before && m_current < end) reveal(m_current);
    viewport()->update();
    if (m_laidOut < all) m_rest.start();
}

void TokenText::syncScrollBar() {
    const int height = static_cast<int>(m_rows.size()) * m_rowHeight + 2 * kMargin;
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setSingleStep(m_rowHeight);
    verticalScrollBar()->setRange(0, std::max(0, height - viewport()->height()));
}

int TokenText::rowOf(int position) const {
    const auto it =
        std::upper_bound(m_rows.begin(), m_rows.end(), position, [](int p, const Row& row) { return p < row.end; });
    return it == m_rows.end() ? -1 : static_cast<int>(it - m_rows.begin());
}

TokenText::Line TokenText::lineOf(const Row& row, const std::vector<QColor>& inks) const {
    QString text;
    std::vector<qsizetype> at;
    for (int t = row.first; t < row.end; ++t) {
        at.push_back(text.size());
        text += textOf(t);
    }
    at.push_back(text.size());
    Line line;
    line.layout = std::make_unique<QTextLayout>(text, viewport()->font());
    QTextOption option;
    option.setWrapMode(QTextOption::NoWrap);
    line.layout->setTextOption(option);
    QList<QTextLayout::FormatRange> formats;
    for (size_t i = 0; i < inks.size(); ++i) {
        QTextLayout::FormatRange range;
        range.start = static_cast<int>(at[i]);
        range.length = static_cast<int>(at[i + 1] - at[i]);
        range.format.setForeground(inks[i]);
        formats << range;
    }
    line.layout->setFormats(formats);
    line.layout->beginLayout();
    QTextLine shaped = line.layout->createLine();
    line.layout->endLayout();
    for (const qsizetype offset : at)
        line.x.push_back(shaped.isValid() ? shaped.cursorToX(static_cast<int>(offset)) : 0);
    return line;
}

int TokenText::positionUnder(QPointF at) const {
    const double y = at.y() + verticalScrollBar()->value() - kMargin;
    if (y < 0 || y >= double(m_rows.size()) * m_rowHeight) return -1;
    const Row& row = m_rows[static_cast<size_t>(y / m_rowHeight)];
    if (row.first == row.end) return -1;
    const Line line = lineOf(row);
    const double x = at.x() - kMargin;
    for (size_t i = 0; i + 1 < line.x.size(); ++i)
        if (x >= std::min(line.x[i], line.x[i + 1]) && x < std::max(line.x[i], line.x[i + 1]))
            return row.first + static_cast<int>(i);
    return -1;
}

QRectF TokenText::rectOf(int position) const {
    const int r = rowOf(position);
    if (r < 0 || position < m_rows[static_cast<size_t>(r)].first) return {};
    const Line line = lineOf(m_rows[static_cast<size_t>(r)]);
    const auto i = static_cast<size_t>(position - m_rows[static_cast<size_t>(r)].first);
    const double top = kMargin + double(r) * m_rowHeight - verticalScrollBar()->value();
    return QRectF(QPointF(kMargin + line.x[i], top + 1), QPointF(kMargin + line.x[i + 1], top + m_rowHeight - 1))
        .normalized();
}

void TokenText::paintEvent(QPaintEvent*) {
    QPainter p(viewport());
    const Palette& c = Palette::of(palette());
    const int top = verticalScrollBar()->value() - kMargin;
    QFont heading = font();
    heading.setPointSizeF(font().pointSizeF() * 0.85);
    heading.setWeight(QFont::DemiBold);
    for (int r = std::max(0, top / m_rowHeight); r < static_cast<int>(m_rows.size()); ++r) {
        const Row& row = m_rows[static_cast<size_t>(r)];
        const double y = double(r) * m_rowHeight - top;
        if (y > viewport()->height()) break;
        if (row.first == row.end) {
            p.setFont(heading);
            p.setPen(quietText(palette()));
            p.drawText(QRectF(kMargin, y, m_width, m_rowHeight), Qt::AlignLeft | Qt::AlignVCenter,
                       row.first < m_store->nPrompt() ? tr("Prompt") : tr("Response"));
            continue;
        }
        std::vector<TokenShade> shades;
        std::vector<QColor> inks;
        for (int t = row.first; t < row.end; ++t) {
            shades.push_back(m_shade ? m_shade(t) : TokenShade{});
            const QColor& ground = shades.back().ground;
            const bool special = maybeTokenAt(m_store->data(), t)->special;
            inks.push_back(ground.isValid() && ground != c.notRead ? inkOn(ground, c)
                           : special                               ? quietText(palette())
                                                                   : palette().color(QPalette::Text));
        }
        const Line line = lineOf(row, inks);
        for (int t = row.first; t < row.end; ++t) {
            const auto i = static_cast<size_t>(t - row.first);
            const TokenShade& shade = shades[i];
            const QRectF box =
                QRectF(QPointF(kMargin + line.x[i], y + 1), QPointF(kMargin + line.x[i + 1], y + m_rowHeight - 1))
                    .normalized();
            if (shade.ground.isValid()) p.fillRect(box, shade.ground);
            if (shade.underline.isValid())
                p.fillRect(QRectF(box.left(), box.bottom() - 2, box.width(), 2), shade.underline);
            if (shade.hatched) {
                p.save();
                p.setClipRect(box);
                p.setPen(QPen(c.notReadLine, 1));
                for (double x = box.left() - box.height(); x < box.right(); x += 6)
                    p.drawLine(QPointF(x, box.bottom()), QPointF(x + box.height(), box.top()));
                p.restore();
            }
            if (t == m_current || t == m_hovered) {
                p.setPen(QPen(c.accent, t == m_current ? 2 : 1));
                p.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5));
            }
        }
        p.setPen(palette().color(QPalette::Text));
        line.layout->draw(&p, QPointF(kMargin, y + 2));
    }
    if (hasFocus()) {
        p.setPen(QPen(palette().color(QPalette::Highlight), 1));
        p.drawRect(viewport()->rect().adjusted(0, 0, -1, -1));
    }
}

void TokenText::resizeEvent(QResizeEvent*) {
    if (std::max(40, viewport()->width() - 2 * kMargin) == m_width) return syncScrollBar();
    layOut();
    reveal(m_current);
}

void TokenText::showEvent(QShowEvent* event) {
    QAbstractScrollArea::showEvent(event);
    layOutMore();
}

void TokenText::changeEvent(QEvent* event) {
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange) layOut();
    if (event->type() == QEvent::PaletteChange) viewport()->update();
}

void TokenText::reveal(int position) {
    const int r = position < 0 ? -1 : rowOf(position);
    if (r < 0) return;
    const int top = r * m_rowHeight, value = verticalScrollBar()->value(), height = viewport()->height();
    if (top < value || top + m_rowHeight + 2 * kMargin > value + height)
        verticalScrollBar()->setValue(top - height / 2);
}

void TokenText::setHovered(int position) {
    if (m_hovered == position) return;
    m_hovered = position;
    setAccessibleDescription(position >= 0 && m_words ? m_words(position) : QString());
    viewport()->update();
    emit hovered(position);
}

void TokenText::mouseMoveEvent(QMouseEvent* event) { setHovered(positionUnder(event->position())); }

void TokenText::mouseReleaseEvent(QMouseEvent* event) {
    const int position = positionUnder(event->position());
    if (event->button() == Qt::LeftButton && position >= 0) emit clicked(position);
}

void TokenText::keyPressEvent(QKeyEvent* event) {
    const int from = m_hovered >= 0 ? m_hovered : std::max(0, m_current);
    int to = from;
    switch (event->key()) {
        case Qt::Key_Left: to = from - 1; break;
        case Qt::Key_Right: to = from + 1; break;
        case Qt::Key_Home: to = 0; break;
        case Qt::Key_End: to = m_laidOut - 1; break;
        case Qt::Key_Return:
            if (m_hovered >= 0) emit clicked(m_hovered);
            return;
        default: QAbstractScrollArea::keyPressEvent(event); return;
    }
    if (m_laidOut == 0) return;
    setHovered(std::clamp(to, 0, m_laidOut - 1));
    reveal(m_hovered);
}

bool TokenText::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::Leave) setHovered(-1);
    if (event->type() == QEvent::ToolTip && m_words) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int position = positionUnder(help->pos());
        if (position >= 0) QToolTip::showText(help->globalPos(), plainToolTip(m_words(position)), this);
        else QToolTip::hideText();
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

}  // namespace spanscope
