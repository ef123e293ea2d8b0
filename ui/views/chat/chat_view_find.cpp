// Text found in the conversation: in what was said, not in the headings and figures around it. Looked for by slices;
// what is put in later is looked through as it comes.
#include <QTextBlock>
#include <algorithm>

#include "ui/model/tint.h"
#include "ui/views/chat/chat_view.h"

namespace spanscope {

namespace {
constexpr int kFindAtATime = 400'000;  // characters looked through within one turn of the event loop
constexpr size_t kMostMarked = 1000;   // places with a ground of their own: each costs something in every line drawn
constexpr size_t kMostFound = 1'000'000;
}  // namespace

void ChatView::findText(const QString& text) {
    m_find = {};
    m_find.text = text;
    QTextCursor cursor = textCursor();
    cursor.setPosition(cursor.selectionStart());  // a word that is typed on stays where it was found
    setTextCursor(cursor);
    if (!text.isEmpty()) return findMore();
    m_findRest.stop();
    markFound();
}

void ChatView::findMore() {
    if (m_find.text.isEmpty()) return;
    const size_t before = std::min(m_find.at.size(), kMostMarked);
    int most = kFindAtATime;
    QTextBlock block = document()->findBlock(m_find.lookedTo);
    for (; block.isValid() && most > 0; block = block.next()) {
        most -= block.length();
        m_find.lookedTo = block.position() + block.length();
        const auto first = block.begin();
        const int look = first.atEnd() ? -1 : first.fragment().charFormat().intProperty(kLookProperty);
        if (look != ChatPiece::Said && look != ChatPiece::Reasoning) continue;
        const QString line = block.text();
        for (qsizetype at = line.indexOf(m_find.text, 0, Qt::CaseInsensitive); at >= 0 && m_find.at.size() < kMostFound;
             at = line.indexOf(m_find.text, at + m_find.text.size(), Qt::CaseInsensitive))
            m_find.at.push_back(block.position() + static_cast<int>(at));
    }
    if (block.isValid()) m_findRest.start();
    if (before < kMostMarked) markFound();
    emit found(static_cast<int>(m_find.at.size()));
}

/// Places from there on are others now.
void ChatView::forgetFoundFrom(int position) {
    if (m_find.text.isEmpty()) return;
    const int line = document()->findBlock(position).position();
    if (line >= m_find.lookedTo) return m_findRest.start();
    m_find.lookedTo = std::max(0, line);
    m_find.at.erase(std::lower_bound(m_find.at.begin(), m_find.at.end(), m_find.lookedTo), m_find.at.end());
    m_findRest.start();
}

void ChatView::markFound() {
    const QPalette& p = palette();
    QList<QTextEdit::ExtraSelection> marks;
    for (size_t i = 0; i < std::min(m_find.at.size(), kMostMarked); ++i) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = QTextCursor(document());
        mark.cursor.setPosition(m_find.at[i]);
        mark.cursor.setPosition(m_find.at[i] + static_cast<int>(m_find.text.size()), QTextCursor::KeepAnchor);
        mark.format.setBackground(mix(p.color(QPalette::Base), p.color(QPalette::Link), 0.25));
        marks << mark;
    }
    setExtraSelections(marks);
}

bool ChatView::findNext(int direction) {
    const std::vector<int>& at = m_find.at;
    if (at.empty()) return false;
    const QTextCursor now = textCursor();
    auto next = direction > 0 ? std::lower_bound(at.begin(), at.end(), now.selectionEnd())
                              : std::lower_bound(at.begin(), at.end(), now.selectionStart());
    if (direction > 0) next = next == at.end() ? at.begin() : next;
    else next = next == at.begin() ? at.end() - 1 : next - 1;
    QTextCursor cursor(document());
    cursor.setPosition(*next);
    cursor.setPosition(*next + static_cast<int>(m_find.text.size()), QTextCursor::KeepAnchor);
    setTextCursor(cursor);
    ensureCursorVisible();
    return true;
}

}  // namespace spanscope
