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
#include "ui/model/shown_text.h"
#include "ui/views/transcript/transcript_margins.h"

namespace spanscope {

using namespace transcript;

namespace {
constexpr int kTokensAtOnce = 25'000, kTokensAtATime = 4096;  // laid out in one turn of the event loop
constexpr qsizetype kTokenCharacters = 60;                    // of one token: that there is more is to be seen
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

void TranscriptView::setComparison(RunComparison* comparison, RunComparison::Side side) {
    m_comparison = comparison;
    m_side = side;
    connect(comparison, &RunComparison::changed, viewport(), qOverload<>(&QWidget::update));
    viewport()->update();
}

bool TranscriptView::differs(int step) const { return m_comparison && m_comparison->differs(m_side, step); }

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
    const QString text = shownLine(token.text, kTokenCharacters);
    if (!token.special) return text;
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
            it = m_chipWidths.insert(
                text, QFontMetrics(m_chipFont).horizontalAdvance(text) + 2 * kChipPadding + 2 * kChipGap);
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
    m_scrollTo = -1;
    appendTokens(kTokensAtOnce);
    updateScrollRange();
    viewport()->update();
}

void TranscriptView::appendTokens(int most) {
    const int n = m_store->nContext();
    for (int position = m_layout.nTokens(); position < n && most > 0; ++position, --most)
        m_layout.append(boxOf(position));
    if (m_layout.nTokens() < n) m_rest.start();
    else m_rest.stop();
}

void TranscriptView::appendRest() {
    appendTokens(kTokensAtATime);
    updateScrollRange();
    if (m_scrollTo >= 0 && m_scrollTo < m_layout.nTokens()) scrollToToken(std::exchange(m_scrollTo, -1));
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
    if (position >= m_layout.nTokens() && position < m_store->nContext()) m_scrollTo = position;
    const QRect rect = tokenRect(position);
    if (rect.isNull() || viewport()
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
