// Mouse, keys, find, and what a token says of itself.
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QToolTip>
#include <algorithm>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/segment_summary.h"
#include "ui/model/shown_text.h"
#include "ui/views/transcript/transcript_margins.h"
#include "ui/views/transcript/transcript_view.h"

namespace spanscope {

using namespace transcript;

void TranscriptView::mouseMoveEvent(QMouseEvent* event) {
    const QPoint at = event->position().toPoint();
    const int step = stepAt(at), item = itemAt(at);
    const bool opens = item >= 0 && m_items.item(item).role == PlainRole::Working;
    viewport()->setCursor(step >= 0 || opens ? Qt::PointingHandCursor : Qt::ArrowCursor);
    m_selection->hover(step);
}

void TranscriptView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    if (const QPoint at = event->position().toPoint(); m_pillAbove.contains(at) || m_pillBelow.contains(at)) {
        const IntervalList* list = visibleList();
        if (!list) return;
        // Nearest attended token beyond the edge, in that direction.
        const bool above = m_pillAbove.contains(at);
        int target = -1;
        const auto& rows = m_layout.rows();
        const int row =
            std::min(static_cast<int>(rows.size()) - 1,
                     m_layout.rowAt(verticalScrollBar()->value() - kTopMargin + (above ? 0 : viewport()->height())));
        const int border = tokensOfRow(rows[static_cast<size_t>(row)]).begin;
        for (const Interval& interval : *list) {
            if (above && interval.begin < border) target = std::min(interval.end, border) - 1;
            if (!above && target < 0 && interval.end > border) target = std::max(interval.begin, border);
        }
        if (target >= 0) scrollToToken(target);
        return;
    }
    const QPoint at = event->position().toPoint();
    if (const int item = itemAt(at); item >= 0 && m_items.item(item).role == PlainRole::Working) {
        toggleWorking(m_items.segmentOfItem(item));
        return;
    }
    const int step = stepAt(at);
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
        case Qt::Key_Return:
        case Qt::Key_Enter:
            if (current >= 0 && current < n) toggleWorking(m_store->data().steps[static_cast<size_t>(current)].segment);
            return;
        default: QAbstractScrollArea::keyPressEvent(event); return;
    }
    if (target >= 0 && target < n) m_selection->lockRange(target, target);
}

bool TranscriptView::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int item = itemAt(help->pos()), position = tokenOfItem(item);
        QStringList texts;
        if (item >= 0 && !m_items.tip(item).isEmpty()) texts << m_items.tip(item);
        if (position >= 0) texts << describe(position);
        if (!texts.isEmpty())
            QToolTip::showText(help->globalPos(), plainToolTip(texts.join('\n')), viewport(), itemRect(item));
        else QToolTip::hideText();
        return true;
    }
    if (event->type() == QEvent::Leave) m_selection->hover(-1);
    return QAbstractScrollArea::viewportEvent(event);
}

int TranscriptView::find(const QString& text) {
    m_searched = text;
    m_hits.clear();
    m_currentHit = -1;
    m_searchedTokens = 0;
    m_hitTail.clear();
    findInNew();
    viewport()->update();
    return static_cast<int>(m_hits.size());
}

/// Costs the new tokens, and the few before them in which a hit may begin.
void TranscriptView::findInNew() {
    if (m_searched.isEmpty()) return;
    int from = m_searchedTokens;
    const int taken = m_hits.empty() ? 0 : m_hits.back().second;
    qsizetype before = 0;
    while (from > taken && before < m_searched.size() - 1) before += QString::fromStdString(token(--from).text).size();
    QString all;
    if (from == taken && before < m_searched.size() - 1) all = m_hitTail;
    std::vector<int> tokenOfChar(static_cast<size_t>(all.size()), taken - 1);
    for (int t = from; t < m_store->nContext(); ++t) {
        const QString piece = QString::fromStdString(token(t).text);
        all += piece;
        tokenOfChar.insert(tokenOfChar.end(), static_cast<size_t>(piece.size()), t);
    }
    for (qsizetype at = all.indexOf(m_searched, 0, Qt::CaseInsensitive); at >= 0;
         at = all.indexOf(m_searched, at + m_searched.size(), Qt::CaseInsensitive)) {
        qsizetype end = at + m_searched.size();
        const int last = tokenOfChar[static_cast<size_t>(end - 1)];
        m_hits.emplace_back(tokenOfChar[static_cast<size_t>(at)], last + 1);
        const qsizetype tail = end;
        while (end < all.size() && tokenOfChar[static_cast<size_t>(end)] == last) ++end;
        m_hitTail = all.mid(tail, end - tail);
    }
    m_searchedTokens = m_store->nContext();
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

QString TranscriptView::describe(int position) const {
    if (position < 0 || position >= m_store->nContext()) return {};
    const TokenInfo& info = token(position);
    const RunData& run = m_store->data();
    QString text = tr("Token “%1”, id %2\nPosition %3")
                       .arg(shownLine(info.text), QString::number(info.id), QString::number(position));
    const int nPrompt = m_store->nPrompt();
    if (position < nPrompt) return text + tr(" (prompt)");
    const StepRecord& step = run.steps[static_cast<size_t>(position - nPrompt)];
    text += tr(", step %1, %2").arg(step.index).arg(QString::fromUtf8(phaseName(step.phase)));
    if (step.segment >= 0 && step.segment < static_cast<int>(run.segments.size()))
        text += tr(" of %1").arg(QString::fromStdString(segmentName(run.segments[static_cast<size_t>(step.segment)])));
    text += tr("\nAttends to %1 of %2 tokens, %3 are loaded with whole pages")
                .arg(formatCount(step.attended), formatCount(step.causal), formatCount(step.loaded));
    if (!run.header.layerWindows.empty()) text += tr(" (mean over layers)");
    text +=
        tr("\nStep time %1, log-probability %2").arg(formatDuration(step.wallNs)).arg(double(step.logprob), 0, 'f', 3);
    if (step.draft == DraftFate::Accepted) text += tr("\nDrafted, and dense attention agreed");
    if (step.draft == DraftFate::Rejected)
        text += tr("\nThe draft said “%1”; dense attention this").arg(shownLine(step.rejectedText));
    return text;
}

}  // namespace spanscope
