// Above 400 lines because painting, hit testing, find and keyboard of one widget share its visible-line layout; what can
// be a value (segment summaries, formats, tints) already lives in ui/model.
#include "ui/views/transcript_view.h"

#include <QFontDatabase>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <QToolTip>
#include <algorithm>

#include "ui/model/format.h"
#include "ui/model/segment_summary.h"
#include "ui/model/tint.h"

namespace spanscope {

namespace {
constexpr int kMargin = 16;      // left and right of the text
constexpr int kTopMargin = 8;
constexpr int kChipPadding = 5;  // inside a chip
constexpr int kChipGap = 2;      // outside it
constexpr int kBarWidth = 3;     // at the left of a block that is readable
constexpr int kMeterBar = 48;    // of the share of dense reads, at the right
}  // namespace

/// Colours of one paint, mixed once.
struct TranscriptView::Look {
    QColor text, dimmed, quiet, lit, litLine, chip, chipText, current, currentText, range, hit, hitCurrent, differs;
};

TranscriptView::TranscriptView(RunStore* store, Selection* selection, QWidget* parent)
    : QAbstractScrollArea(parent), m_store(store), m_selection(selection) {
    setAccessibleName(tr("Transcript"));
    setAccessibleDescription(tr("Prompt and response. Left and right arrows move the selected step."));
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setMouseTracking(true);
    viewport()->setBackgroundRole(QPalette::Base);
    m_placeholderTitle = tr("Nothing has run yet");
    m_placeholderText = tr("Type a problem above and press Ctrl+Return.");
    updateFonts();
    connect(m_store, &RunStore::reset, this, [this] {
        m_hits.clear();
        m_currentHit = -1;
        m_follow = true;
        relayout();
        verticalScrollBar()->setValue(0);
    });
    connect(m_store, &RunStore::stepsAppended, this, &TranscriptView::onStepsAppended);
    connect(m_selection, &Selection::changed, this, &TranscriptView::onSelectionChanged);
    relayout();
}

void TranscriptView::setPlaceholder(const QString& title, const QString& text) {
    m_placeholderTitle = title;
    m_placeholderText = text;
    viewport()->update();
}

void TranscriptView::setReference(RunStore* other) {
    m_reference = other;
    connect(other, &RunStore::stepsAppended, viewport(), qOverload<>(&QWidget::update));
    connect(other, &RunStore::reset, viewport(), qOverload<>(&QWidget::update));
    viewport()->update();
}

bool TranscriptView::differs(int step) const {
    if (!m_reference || step < 0 || step >= m_store->nSteps() || step >= m_reference->nSteps()) return false;
    const size_t i = static_cast<size_t>(step);
    return m_store->data().steps[i].token.id != m_reference->data().steps[i].token.id;
}

void TranscriptView::updateFonts() {
    m_textFont = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    m_textFont.setPointSizeF(font().pointSizeF());
    m_chipFont = font();
    m_chipFont.setPointSizeF(font().pointSizeF() * 0.78);
    m_captionFont = font();
    m_captionFont.setPointSizeF(font().pointSizeF() * 0.85);
    m_captionFont.setWeight(QFont::DemiBold);
    m_widths.clear();
    m_chipWidths.clear();
    m_chips.clear();
}

const TokenInfo& TranscriptView::token(int position) const {
    const RunData& run = m_store->data();
    const int nPrompt = m_store->nPrompt();
    return position < nPrompt ? run.header.prompt[static_cast<size_t>(position)]
                              : run.steps[static_cast<size_t>(position - nPrompt)].token;
}

QString TranscriptView::shownText(const TokenInfo& token) const {
    QString text = QString::fromStdString(token.text);
    if (!token.special) {
        text.replace('\t', QChar(0x21e5));
        text.replace('\n', QChar(0x21b5));
        return text;
    }
    if (text.isEmpty()) return QStringLiteral("·");
    if (text == QLatin1String("<:>")) return QStringLiteral(":");
    if (text.size() > 2 && text.startsWith('<') && text.endsWith('>')) return text.mid(1, text.size() - 2);
    return text;
}

int TranscriptView::textWidth(const QString& text) const {
    auto it = m_widths.find(text);
    if (it == m_widths.end()) it = m_widths.insert(text, QFontMetrics(m_textFont).horizontalAdvance(text));
    return *it;
}

TokenBox TranscriptView::boxOf(int position) const {
    const TokenInfo& info = token(position);
    const int nPrompt = m_store->nPrompt();
    const QString text = shownText(info);
    TokenBox box;
    if (info.special) {
        auto it = m_chipWidths.find(text);
        if (it == m_chipWidths.end())
            it = m_chipWidths.insert(text, QFontMetrics(m_chipFont).horizontalAdvance(text) + 2 * kChipPadding + 2 * kChipGap);
        box.width = *it;
        box.mayBreakBefore = true;
    } else {
        box.width = textWidth(text);
        box.mayBreakBefore = text.startsWith(' ') || text.size() > 12;
        box.endsLine = info.text.find('\n') != std::string::npos;
    }
    box.startsSection = position == 0 || position == nPrompt;
    if (position > nPrompt) {
        const auto& steps = m_store->data().steps;
        const size_t step = static_cast<size_t>(position - nPrompt);
        const int segment = steps[step].segment;
        box.startsBlock = segment >= 0 && segment != steps[step - 1].segment;
    }
    return box;
}

void TranscriptView::relayout() {
    TranscriptMetrics metrics;
    const QFontMetrics fm(m_textFont);
    metrics.rowHeight = fm.height() + 8;
    metrics.blockGap = 4;
    metrics.sectionGap = QFontMetrics(m_captionFont).height() + 24;
    metrics.hangingIndent = 24;
    metrics.width = std::max(120, viewport()->width() - 2 * kMargin - meterWidth());
    m_layout.reset(metrics);
    m_summaries.clear();
    m_summaries.update(m_store->data());
    appendTokens(0);
    updateScrollRange();
    viewport()->update();
}

void TranscriptView::appendTokens(int firstPosition) {
    const int n = m_store->nContext();
    for (int position = firstPosition; position < n; ++position) m_layout.append(boxOf(position));
}

void TranscriptView::updateScrollRange() {
    const int page = viewport()->height();
    m_selfScrolling = true;
    verticalScrollBar()->setPageStep(page);
    verticalScrollBar()->setSingleStep(m_layout.metrics().rowHeight);
    verticalScrollBar()->setRange(0, std::max(0, m_layout.height() + 2 * kTopMargin - page));
    m_selfScrolling = false;
}

void TranscriptView::onStepsAppended() {
    const int before = m_layout.nTokens();
    appendTokens(before);
    m_summaries.update(m_store->data());
    if (!m_searched.isEmpty()) {
        const int hit = m_currentHit;
        find(m_searched);
        m_currentHit = hit;
    }
    updateScrollRange();
    if (m_follow) {
        m_selfScrolling = true;
        verticalScrollBar()->setValue(verticalScrollBar()->maximum());
        m_selfScrolling = false;
    }
    viewport()->update();
}

void TranscriptView::scrollContentsBy(int, int) {
    if (!m_selfScrolling) m_follow = verticalScrollBar()->value() >= verticalScrollBar()->maximum() - 2;
    viewport()->update();
}

const IntervalList* TranscriptView::visibleList() const {
    const int step = m_selection->current();
    if (step < 0 || step >= m_store->nSteps()) return nullptr;
    return m_store->data().steps[static_cast<size_t>(step)].visible.get();
}

bool TranscriptView::isLit(int position) const {
    const IntervalList* list = visibleList();
    if (!list) return false;
    return mayRead(*list, m_store->data().steps[static_cast<size_t>(m_selection->current())].position, position);
}

bool TranscriptView::isDimmed(int position) const { return visibleList() && !isLit(position); }

int TranscriptView::tokenAt(const QPoint& p) const {
    return m_layout.tokenAt(p.x() - kMargin, p.y() - kTopMargin + verticalScrollBar()->value());
}

int TranscriptView::stepAt(const QPoint& p) const {
    const int position = tokenAt(p);
    return position >= m_store->nPrompt() ? position - m_store->nPrompt() : -1;
}

QRect TranscriptView::tokenRect(int position) const {
    const int index = m_layout.rowOfToken(position);
    if (index < 0) return {};
    const TranscriptRow& row = m_layout.rows()[static_cast<size_t>(index)];
    return {kMargin + m_layout.xOfToken(position), kTopMargin + row.y - verticalScrollBar()->value(),
            m_layout.box(position).width, m_layout.metrics().rowHeight};
}

void TranscriptView::scrollToToken(int position) {
    const QRect rect = tokenRect(position);
    if (rect.isNull() || viewport()->rect().adjusted(0, 8, 0, -8).contains(QRect(viewport()->rect().left() + 1, rect.top(), 1, rect.height()))) return;
    verticalScrollBar()->setValue(verticalScrollBar()->value() + rect.center().y() - viewport()->height() / 2);
}

void TranscriptView::onSelectionChanged() {
    if (m_selection->isLocked() && !viewport()->underMouse())
        scrollToToken(m_store->nPrompt() + m_selection->current());
    setAccessibleDescription(m_selection->current() >= 0 ? describe(m_store->nPrompt() + m_selection->current())
                                                         : tr("Prompt and response; no step selected."));
    viewport()->update();
}

int TranscriptView::find(const QString& text) {
    m_searched = text;
    m_hits.clear();
    m_currentHit = -1;
    if (!text.isEmpty()) {
        QString all;
        std::vector<int> tokenOfChar;
        for (int t = 0; t < m_store->nContext(); ++t) {
            const QString piece = QString::fromStdString(token(t).text);
            all += piece;
            tokenOfChar.insert(tokenOfChar.end(), static_cast<size_t>(piece.size()), t);
        }
        for (qsizetype at = all.indexOf(text, 0, Qt::CaseInsensitive); at >= 0;
             at = all.indexOf(text, at + text.size(), Qt::CaseInsensitive))
            m_hits.emplace_back(tokenOfChar[static_cast<size_t>(at)],
                                tokenOfChar[static_cast<size_t>(at + text.size() - 1)] + 1);
    }
    viewport()->update();
    return static_cast<int>(m_hits.size());
}

bool TranscriptView::findNext(int direction) {
    if (m_hits.empty()) return false;
    const int n = static_cast<int>(m_hits.size());
    m_currentHit = m_currentHit < 0 ? (direction > 0 ? 0 : n - 1) : (m_currentHit + direction + n) % n;
    scrollToToken(m_hits[static_cast<size_t>(m_currentHit)].first);
    viewport()->update();
    return true;
}

QString TranscriptView::plainText() const {
    std::string text;
    for (int t = 0; t < m_store->nContext(); ++t) text += token(t).text;
    return QString::fromStdString(text);
}

void TranscriptView::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    const bool follow = m_follow;
    if (std::max(120, viewport()->width() - 2 * kMargin - meterWidth()) != m_layout.metrics().width) relayout();
    else updateScrollRange();
    if (follow && m_store->nSteps() > 0 && !m_store->isFinished())
        verticalScrollBar()->setValue(verticalScrollBar()->maximum());
}

void TranscriptView::changeEvent(QEvent* event) {
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange) {
        updateFonts();
        relayout();
    } else if (event->type() == QEvent::PaletteChange) {
        m_chips.clear();
        viewport()->update();
    }
}

void TranscriptView::mouseMoveEvent(QMouseEvent* event) {
    const int step = stepAt(event->position().toPoint());
    viewport()->setCursor(step >= 0 ? Qt::PointingHandCursor : Qt::ArrowCursor);
    m_selection->hover(step);
}

void TranscriptView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    if (const QPoint at = event->position().toPoint(); m_pillAbove.contains(at) || m_pillBelow.contains(at)) {
        const IntervalList* list = visibleList();
        if (!list) return;
        // Nearest readable token beyond the edge, in that direction.
        const bool above = m_pillAbove.contains(at);
        const int edge = tokenAt({viewport()->width() / 2, 0});
        int target = -1;
        const auto& rows = m_layout.rows();
        const int row = std::min(static_cast<int>(rows.size()) - 1,
                                 m_layout.rowAt(verticalScrollBar()->value() - kTopMargin + (above ? 0 : viewport()->height())));
        const int border = edge >= 0 && above ? edge : rows[static_cast<size_t>(row)].first;
        for (const Interval& interval : *list) {
            if (above && interval.begin < border) target = std::min(interval.end, border) - 1;
            if (!above && target < 0 && interval.end > border) target = std::max(interval.begin, border);
        }
        if (target >= 0) scrollToToken(target);
        return;
    }
    const int step = stepAt(event->position().toPoint());
    if (step < 0) {
        m_selection->clear();
    } else if (event->modifiers() & Qt::ShiftModifier) {
        m_selection->extendTo(step);
    } else {
        m_selection->lock(step);
    }
}

void TranscriptView::keyPressEvent(QKeyEvent* event) {
    const int n = m_store->nSteps();
    const int current = m_selection->current();
    const int stride = event->modifiers() & Qt::ShiftModifier ? 10 : 1;
    int target = -1;
    switch (event->key()) {
        case Qt::Key_Right: target = std::min(n - 1, current + stride); break;
        case Qt::Key_Left: target = current < 0 ? n - 1 : std::max(0, current - stride); break;
        case Qt::Key_Home: target = 0; break;
        case Qt::Key_End: target = n - 1; break;
        default: QAbstractScrollArea::keyPressEvent(event); return;
    }
    if (target >= 0 && target < n) m_selection->lockRange(target, target);
}

bool TranscriptView::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int position = tokenAt(help->pos());
        if (position >= 0) QToolTip::showText(help->globalPos(), describe(position), viewport(), tokenRect(position));
        else QToolTip::hideText();
        return true;
    }
    if (event->type() == QEvent::Leave) m_selection->hover(-1);
    return QAbstractScrollArea::viewportEvent(event);
}

QString TranscriptView::describe(int position) const {
    if (position < 0 || position >= m_store->nContext()) return {};
    const TokenInfo& info = token(position);
    const RunData& run = m_store->data();
    QString name = QString::fromStdString(info.text);
    if (name == QLatin1String("\n")) name = QStringLiteral("↵");
    QString text = tr("Token “%1”, id %2\nPosition %3").arg(name).arg(info.id).arg(position);
    const int nPrompt = m_store->nPrompt();
    if (position < nPrompt) return text + tr(" (prompt)");
    const StepRecord& step = run.steps[static_cast<size_t>(position - nPrompt)];
    text += tr(", step %1, %2").arg(step.index).arg(QString::fromUtf8(phaseName(step.phase)));
    if (step.segment >= 0 && step.segment < static_cast<int>(run.segments.size()))
        text += tr(" of %1").arg(segmentName(run.segments[static_cast<size_t>(step.segment)]));
    text += tr("\nCould read %1 of %2 tokens (%3 with whole pages)")
                .arg(formatCount(step.attended), formatCount(step.causal), formatCount(step.read));
    text += tr("\nStep time %1, log-probability %2").arg(formatDuration(step.wallNs)).arg(double(step.logprob), 0, 'f', 3);
    return text;
}

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

/// What the segment read, as a share of what dense attention would have: a bar and its number.
void TranscriptView::paintMeter(QPainter& painter, const TranscriptRow& row, const Look& look) const {
    const int row_ = m_summaries.rowOfStep(row.first - m_store->nPrompt());
    if (row_ < 0) return;
    const SegmentSummary& segment = m_summaries.rows()[static_cast<size_t>(row_)];
    if (!segment.causal || segment.firstStep != row.first - m_store->nPrompt()) return;
    const double share = double(segment.read) / double(segment.causal);
    const int right = m_layout.metrics().width + meterWidth();
    const int height = m_layout.metrics().rowHeight;
    const QRect bar(right - kMeterBar, row.y + height / 2 - 2, kMeterBar, 4);
    painter.setPen(Qt::NoPen);
    painter.setBrush(look.chip);
    painter.drawRoundedRect(bar, 2, 2);
    painter.setBrush(look.range);
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), std::max(4.0, bar.width() * std::min(1.0, share)), bar.height()), 2, 2);
    painter.setFont(m_captionFont);
    painter.setPen(look.quiet);
    painter.drawText(QRect(m_layout.metrics().width, row.y, meterWidth() - kMeterBar - 8, height), Qt::AlignRight | Qt::AlignVCenter,
                     QString::number(qRound(share * 100)) + QStringLiteral(" %"));
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
    const int lastRow = std::min(nRows - 1, m_layout.rowAt(top + viewport()->height() - m_layout.metrics().rowHeight / 2));
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
                             (above ? tr("readable above: %1") : tr("readable below: %1")).arg(formatCount(n));
        const QSize size(fm.horizontalAdvance(text) + 24, fm.height() + 8);
        const QRect pill(QPoint((viewport()->width() - size.width()) / 2, above ? 8 : viewport()->height() - size.height() - 8), size);
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
    painter.drawText(QRect(area.left(), middle - titleHeight - 4, area.width(), titleHeight), Qt::AlignHCenter, m_placeholderTitle);
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
    painter.drawText(QRect(0, row.y - height - 6, m_layout.metrics().width, height), Qt::AlignLeft | Qt::AlignVCenter,
                     (prompt ? tr("Prompt") : tr("Response")) + QStringLiteral("  ·  ") + tr("%1 tokens").arg(formatCount(n)));
    if (!prompt && meterWidth())
        painter.drawText(QRect(0, row.y - height - 6, m_layout.metrics().width + meterWidth(), height), Qt::AlignRight | Qt::AlignVCenter,
                         tr("read, of dense"));
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
            auto hit = std::upper_bound(m_hits.begin(), m_hits.end(), t, [](int v, const auto& h) { return v < h.second; });
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
            const QColor& pen = isCurrent ? look.currentText : dim || m_layout.box(t).endsLine ? look.dimmed : look.text;
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
