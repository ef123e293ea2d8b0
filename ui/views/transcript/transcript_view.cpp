// Layout, selection and what is lit. Input, find and descriptions stand in transcript_view_input.cpp, painting in
// transcript_view_paint.cpp.
#include "ui/views/transcript/transcript_view.h"

#include <QEvent>
#include <QFontDatabase>
#include <QScrollBar>
#include <algorithm>
#include <utility>

#include "ui/model/format.h"
#include "ui/model/segment_summary.h"
#include "ui/views/transcript/transcript_margins.h"

namespace spanscope {

using namespace transcript;

namespace {
constexpr int kTokensAtOnce = 25'000, kTokensAtATime = 4096;  // laid out in one turn of the event loop
}  // namespace

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
    m_rest.setInterval(0);
    m_rest.setSingleShot(true);
    connect(&m_rest, &QTimer::timeout, this, &TranscriptView::appendRest);
    connect(m_store, &RunStore::reset, this, [this] {
        m_hits.clear();
        m_currentHit = -1;
        m_searchedTokens = 0;
        m_hitTail.clear();
        m_follow = true;
        m_items.reset(m_items.reading());
        relayout();
        verticalScrollBar()->setValue(0);
    });
    connect(m_store, &RunStore::finished, this, &TranscriptView::onStepsAppended);
    connect(m_store, &RunStore::stepsAppended, this, &TranscriptView::onStepsAppended);
    connect(m_selection, &Selection::changed, this, &TranscriptView::onSelectionChanged);
    relayout();
}

void TranscriptView::setPlaceholder(const QString& title, const QString& text) {
    m_placeholderTitle = title;
    m_placeholderText = text;
    viewport()->update();
}

void TranscriptView::setComparison(RunComparison* comparison, RunComparison::Side side) {
    m_comparison = comparison;
    m_side = side;
    connect(comparison, &RunComparison::changed, viewport(), qOverload<>(&QWidget::update));
    viewport()->update();
}

bool TranscriptView::differs(int step) const { return m_comparison && m_comparison->differs(m_side, step); }

void TranscriptView::setReading(Reading reading) {
    if (reading == m_items.reading()) return;
    const int current = m_selection->current();
    m_items.reset(reading);
    updateFonts();
    relayout();
    if (current >= 0) scrollToToken(m_store->nPrompt() + current);
    else verticalScrollBar()->setValue(m_follow ? verticalScrollBar()->maximum() : 0);
}

bool TranscriptView::toggleWorking(int segment) {
    const auto splice = m_items.toggleWorking(m_store->data(), m_store->checks(), segment);
    if (!splice) return false;
    m_layout.splice(splice->first, splice->oldEnd, boxesFrom(splice->first, splice->newEnd));
    m_shapes.clear();
    m_selfScrolling = true;
    updateScrollRange();
    m_selfScrolling = false;
    viewport()->update();
    return true;
}

void TranscriptView::updateFonts() {
    m_cellFont = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    m_cellFont.setPointSizeF(font().pointSizeF());
    m_textFont = m_items.reading() == Reading::Plain ? font() : m_cellFont;
    m_cellWidth = QFontMetrics(m_cellFont).horizontalAdvance('0') + 4;
    m_chipFont = font();
    m_chipFont.setPointSizeF(font().pointSizeF() * 0.78);
    m_captionFont = font();
    m_captionFont.setPointSizeF(font().pointSizeF() * 0.85);
    m_captionFont.setWeight(QFont::DemiBold);
    m_widths.clear();
    m_chipWidths.clear();
    m_chips.clear();
    m_shapes.clear();
}

const TokenInfo& TranscriptView::token(int position) const {
    const RunData& run = m_store->data();
    const int nPrompt = m_store->nPrompt();
    return position < nPrompt ? run.header.prompt[static_cast<size_t>(position)]
                              : run.steps[static_cast<size_t>(position - nPrompt)].token;
}

int TranscriptView::textWidth(const QString& text) const {
    auto it = m_widths.find(text);
    if (it == m_widths.end()) it = m_widths.insert(text, QFontMetrics(m_textFont).horizontalAdvance(text));
    return *it;
}

int TranscriptView::chipWidth(const QString& text) const {
    auto it = m_chipWidths.find(text);
    if (it == m_chipWidths.end())
        it = m_chipWidths.insert(text,
                                 QFontMetrics(m_chipFont).horizontalAdvance(text) + 2 * kChipPadding + 2 * kChipGap);
    return *it;
}

bool TranscriptView::isChip(const TranscriptItem& item) const {
    return item.role == PlainRole::Mark || item.role == PlainRole::Working ||
           (item.role == PlainRole::Token && token(item.first).special);
}

ItemBox TranscriptView::boxOf(int index) const {
    const TranscriptItem& item = m_items.item(index);
    ItemBox box;
    if (item.isCell()) {
        box.width = m_cellWidth;
    } else {
        const QString text = m_items.text(m_store->data(), index);
        box.width = isChip(item) ? chipWidth(text) : textWidth(text);
    }
    box.mayBreakBefore = item.breakBefore;
    box.endsLine = item.endsLine;
    box.startsBlock = item.startsBlock;
    box.startsSection = item.startsSection;
    box.continuesBlock = item.below;
    return box;
}

std::vector<ItemBox> TranscriptView::boxesFrom(int first, int end) const {
    std::vector<ItemBox> boxes;
    boxes.reserve(static_cast<size_t>(end - first));
    for (int i = first; i < end; ++i) boxes.push_back(boxOf(i));
    return boxes;
}

void TranscriptView::relayout() {
    TranscriptMetrics metrics;
    metrics.rowHeight = std::max(QFontMetrics(m_textFont).height(), QFontMetrics(m_cellFont).height()) + 8;
    metrics.blockGap = 4;
    metrics.sectionGap = QFontMetrics(m_captionFont).height() + 24;
    metrics.hangingIndent = 24;
    metrics.width = std::max(120, viewport()->width() - 2 * kMargin - meterWidth());
    m_layout.reset(metrics);
    m_shapes.clear();
    m_summaries.clear();
    m_summaries.update(m_store->data());
    m_scrollTo = -1;
    for (int i = 0; i < std::min(m_items.size(), kTokensAtOnce); ++i) m_layout.append(boxOf(i));
    appendTokens(kTokensAtOnce - m_layout.nItems());
    updateScrollRange();
    viewport()->update();
}

void TranscriptView::appendTokens(int most) {
    if (most > 0 && m_layout.nItems() == m_items.size()) {  // else what is known is laid out first
        const int changed = m_items.update(m_store->data(), m_store->checks(), most);
        if (changed < m_layout.nItems()) m_layout.truncate(changed);
    }
    const int firstRow = std::max(0, static_cast<int>(m_layout.rows().size()) - 1);
    const int end = std::min(m_items.size(), m_layout.nItems() + std::max(0, 4 * most));
    for (int i = m_layout.nItems(); i < end; ++i) m_layout.append(boxOf(i));
    for (const int row : m_shapes.keys())
        if (row >= firstRow - 1) m_shapes.remove(row);
    if (m_layout.nItems() < m_items.size() || !m_items.hasAll(m_store->data())) m_rest.start();
    else m_rest.stop();
}

void TranscriptView::appendRest() {
    appendTokens(kTokensAtATime);
    updateScrollRange();
    if (m_scrollTo >= 0 && m_layout.rowOfItem(m_items.itemOfToken(m_scrollTo)) >= 0)
        scrollToToken(std::exchange(m_scrollTo, -1));
    viewport()->update();
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
    if (!m_rest.isActive()) appendTokens(kTokensAtOnce);
    m_summaries.update(m_store->data());
    findInNew();
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

const RowShape& TranscriptView::shape(int index) const {
    if (const RowShape* known = m_shapes.object(index)) return *known;
    const TranscriptRow& row = m_layout.rows()[static_cast<size_t>(index)];
    std::vector<RowPart> parts;
    for (int i = row.first; i < row.end; ++i) {
        const TranscriptItem& item = m_items.item(i);
        RowPart part;
        if (item.isCell()) part.width = m_cellWidth;
        else if (isChip(item)) part.width = m_layout.box(i).width;
        else part.text = m_items.text(m_store->data(), i);
        parts.push_back(std::move(part));
    }
    m_shapes.insert(index, new RowShape(parts, m_textFont, row.indent, m_layout.metrics().width));
    return *m_shapes.object(index);
}

int TranscriptView::itemAt(const QPoint& p) const {
    const int y = p.y() - kTopMargin + verticalScrollBar()->value();
    const int index = m_layout.rowAt(y);
    if (index >= static_cast<int>(m_layout.rows().size())) return -1;
    const TranscriptRow& row = m_layout.rows()[static_cast<size_t>(index)];
    if (y < row.y) return -1;
    const int part = shape(index).partAt(p.x() - kMargin);
    return part < 0 ? -1 : row.first + part;
}

int TranscriptView::tokenOfItem(int item) const {
    if (item < 0 || m_items.item(item).first == m_items.item(item).end) return -1;
    return m_items.item(item).end - 1;
}

int TranscriptView::tokenAt(const QPoint& p) const { return tokenOfItem(itemAt(p)); }

int TranscriptView::stepAt(const QPoint& p) const {
    const int position = tokenAt(p);
    return position >= m_store->nPrompt() ? position - m_store->nPrompt() : -1;
}

QRect TranscriptView::itemRect(int item) const {
    const int index = m_layout.rowOfItem(item);
    if (index < 0) return {};
    const TranscriptRow& row = m_layout.rows()[static_cast<size_t>(index)];
    const RowShape::Edges& edges = shape(index).edges(item - row.first);
    const int left = qFloor(edges.left);
    return {kMargin + left, kTopMargin + row.y - verticalScrollBar()->value(), std::max(1, qCeil(edges.right) - left),
            m_layout.metrics().rowHeight};
}

QRect TranscriptView::tokenRect(int position) const { return itemRect(m_items.itemOfToken(position)); }

/// From the first token of a row to behind its last.
Interval TranscriptView::tokensOfRow(const TranscriptRow& row) const {
    Interval tokens{INT32_MAX, 0};
    for (int i = row.first; i < row.end; ++i) {
        const TranscriptItem& item = m_items.item(i);
        if (item.first >= item.end) continue;
        tokens = {std::min(tokens.begin, item.first), std::max(tokens.end, item.end)};
    }
    return tokens;
}

void TranscriptView::scrollToToken(int position) {
    const QRect rect = tokenRect(position);
    if (rect.isNull()) {
        if (position < m_store->nContext()) m_scrollTo = position;
        return;
    }
    if (viewport()
            ->rect()
            .adjusted(0, 8, 0, -8)
            .contains(QRect(viewport()->rect().left() + 1, rect.top(), 1, rect.height())))
        return;
    verticalScrollBar()->setValue(verticalScrollBar()->value() + rect.center().y() - viewport()->height() / 2);
}

std::pair<int, int> TranscriptView::top() const {
    const int x = kMargin + m_layout.metrics().hangingIndent + 1;  // every row but an empty one has a token there
    for (int y = 0; y < viewport()->height(); y += m_layout.metrics().rowHeight / 2)
        if (const int token = tokenAt({x, y}); token >= 0) return {token, -tokenRect(token).top()};
    return {-1, 0};
}

void TranscriptView::scrollTo(int position, int above) {
    if (const QRect rect = tokenRect(position); !rect.isNull())
        verticalScrollBar()->setValue(verticalScrollBar()->value() + rect.top() + above);
}

void TranscriptView::onSelectionChanged() {
    if (m_selection->isLocked() && !viewport()->underMouse())
        scrollToToken(m_store->nPrompt() + m_selection->current());
    setAccessibleDescription(m_selection->current() >= 0 ? describe(m_store->nPrompt() + m_selection->current())
                                                         : tr("Prompt and response; no step selected."));
    viewport()->update();
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

}  // namespace spanscope
