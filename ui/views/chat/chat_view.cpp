// Turns in the document, their links, and painting. The answer that is being written stands in chat_view_live.cpp, what
// is looked for in chat_view_find.cpp.
#include "ui/views/chat/chat_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QTextBlock>
#include <algorithm>

#include "ui/model/tint.h"

namespace spanscope {

namespace {
constexpr qsizetype kAtOnce = 60'000, kAtATime = 16'000;  // characters put in within one turn of the event loop
constexpr int kMargin = 14, kBar = 3;                     // pixels
}  // namespace

ChatView::ChatView(ChatTree* tree, RunStore* store, QWidget* parent)
    : QPlainTextEdit(parent), m_tree(tree), m_store(store) {
    setObjectName("chatView");
    setAccessibleName(tr("Conversation"));
    setReadOnly(true);
    setUndoRedoEnabled(false);
    setFrameShape(QFrame::NoFrame);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setTabChangesFocus(true);
    setPlaceholderText(tr("Nothing has been said yet. Type a message below; Ctrl+Return sends it."));
    document()->setDocumentMargin(kMargin);
    viewport()->setMouseTracking(true);
    updateFormats();
    m_rest.setInterval(0);
    m_rest.setSingleShot(true);
    connect(&m_rest, &QTimer::timeout, this, [this] { putIn(kAtATime); });
    m_findRest.setInterval(0);
    m_findRest.setSingleShot(true);
    connect(&m_findRest, &QTimer::timeout, this, &ChatView::findMore);
    connect(document(), &QTextDocument::contentsChange, this, [this](int position) { forgetFoundFrom(position); });
    connect(m_tree, &ChatTree::changed, this, &ChatView::sync);
    connect(m_store, &RunStore::stepsAppended, this, &ChatView::growLive);
    connect(m_store, &RunStore::reset, this, &ChatView::sync);
    connect(this, &QPlainTextEdit::cursorPositionChanged, viewport(), qOverload<>(&QWidget::update));
    QScrollBar* bar = verticalScrollBar();
    connect(bar, &QScrollBar::rangeChanged, this, [this] { toEnd(); });  // lines are laid out when they come in sight
    connect(bar, &QScrollBar::valueChanged, this, [this, bar](int value) {
        if (!m_selfScrolling) m_follow = value >= bar->maximum();
    });
    sync();
}

void ChatView::toEnd() {
    if (!m_follow) return;
    m_selfScrolling = true;
    verticalScrollBar()->setValue(verticalScrollBar()->maximum());
    m_selfScrolling = false;
}

int ChatView::end() const { return document()->characterCount() - 1; }

int ChatView::currentTurn() const {
    const int at = textCursor().position();
    const auto after =
        std::upper_bound(m_shown.begin(), m_shown.end(), at, [](int p, const Shown& s) { return p < s.begin; });
    if (after == m_shown.begin() || (m_live.on && at >= m_live.begin)) return -1;
    return std::prev(after)->turn;
}

void ChatView::goToTurn(int direction) {
    if (m_shown.empty()) return;
    const int turn = currentTurn();
    auto at = std::find_if(m_shown.begin(), m_shown.end(), [&](const Shown& s) { return s.turn == turn; });
    if (at == m_shown.end()) at = m_shown.end() - 1;
    else if (direction > 0 && at + 1 != m_shown.end()) ++at;
    else if (direction < 0 && at != m_shown.begin()) --at;
    QTextCursor cursor(document());
    cursor.setPosition(at->begin);
    setTextCursor(cursor);
    ensureCursorVisible();
}

void ChatView::toggleReasoning(int turn) {
    if (!m_unfolded.remove(turn)) m_unfolded.insert(turn);
    sync();
}

void ChatView::showAlternative(int turn, int direction) {
    if (turn < 0) return;
    const QVector<int>& others = m_tree->alternatives(turn);
    const qsizetype to = others.indexOf(turn) + direction;
    if (m_tree->writing() || to < 0 || to >= others.size()) return;
    const int other = others[to];
    m_tree->show(other);
    for (const Shown& shown : m_shown) {  // where it was asked for, not at the end
        if (shown.turn != other) continue;
        QTextCursor cursor(document());
        cursor.setPosition(shown.begin);
        setTextCursor(cursor);
        m_follow = false;
        ensureCursorVisible();
    }
}

ChatView::Shown ChatView::wantedAt(int turn) const {
    const QVector<int>& others = m_tree->alternatives(turn);
    return {turn, 0, static_cast<int>(others.indexOf(turn)), static_cast<int>(others.size()),
            m_unfolded.contains(turn)};
}

/// What stands there and is still to stand there stays.
void ChatView::sync() {
    if (m_live.on && !m_tree->writing() && m_unfolded.remove(-1)) m_unfolded.insert(m_tree->tip());
    if (m_tree->writing() && m_tree->writing() != m_writing) m_follow = true;
    m_writing = m_tree->writing();
    m_wanted = m_tree->path();
    if (m_live.on) cutFrom(m_live.begin);
    m_live = {};
    size_t same = 0;
    while (same < m_shown.size() && same < static_cast<size_t>(m_wanted.size()) &&
           m_shown[same].turn == m_wanted[static_cast<qsizetype>(same)])
        ++same;
    const bool half = !m_queue.isEmpty();  // the last one is
    if (half && same == m_shown.size()) --same;
    if (same < m_shown.size()) {
        cutFrom(m_shown[same].begin);
        m_shown.resize(same);
    }
    m_queue.clear();
    m_queueAt = 0;
    m_nNext = static_cast<qsizetype>(same);
    for (size_t i = 0; i < m_shown.size(); ++i)
        if (!(m_shown[i] == wantedAt(m_shown[i].turn))) replace(i);
    putIn(kAtOnce);
}

void ChatView::syncAll() {
    if (m_live.on) cutFrom(m_live.begin);
    m_live = {};
    clear();
    m_shown.clear();
    m_queue.clear();
    sync();
}

void ChatView::cutFrom(int position) {
    QTextCursor cursor(document());
    cursor.setPosition(position);
    cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
    cursor.removeSelectedText();
}

void ChatView::insert(QTextCursor& cursor, const ChatPieces& pieces, qsizetype from, qsizetype to) {
    for (qsizetype i = from; i < to; ++i) {
        QTextCharFormat format = m_formats[pieces[i].look];
        if (!pieces[i].link.isEmpty()) {
            format.setAnchor(true);
            format.setAnchorHref(pieces[i].link);
        }
        cursor.insertText(pieces[i].text, format);
    }
}

/// A turn where it stands: folded, or of another number.
void ChatView::replace(size_t index) {
    const int begin = m_shown[index].begin, next = index + 1 < m_shown.size() ? m_shown[index + 1].begin : end();
    const int caret = textCursor().position();
    const ChatPieces pieces = chatPieces(*m_tree, m_shown[index].turn, m_unfolded.contains(m_shown[index].turn));
    QTextCursor cursor(document());
    cursor.beginEditBlock();
    cursor.setPosition(begin);
    cursor.setPosition(next, QTextCursor::KeepAnchor);
    cursor.removeSelectedText();
    insert(cursor, pieces, 0, pieces.size());
    cursor.endEditBlock();
    const int by = cursor.position() - next;
    m_shown[index] = wantedAt(m_shown[index].turn);
    m_shown[index].begin = begin;
    for (size_t i = index + 1; i < m_shown.size(); ++i) m_shown[i].begin += by;
    if (caret < begin || caret >= next) return;  // in another turn: it went along
    cursor.setPosition(std::min(caret, next + by - 1));
    setTextCursor(cursor);
}

/// Turn after turn, about `most` characters; the rest in later turns of the event loop.
void ChatView::putIn(qsizetype most) {
    QTextCursor cursor(document());
    cursor.beginEditBlock();
    cursor.movePosition(QTextCursor::End);
    while (most > 0) {
        if (m_queue.isEmpty()) {
            if (m_nNext >= m_wanted.size()) break;
            m_shown.push_back(wantedAt(m_wanted[m_nNext]));
            m_shown.back().begin = end();
            m_queue = chatPieces(*m_tree, m_wanted[m_nNext++], m_shown.back().unfolded);
            m_queueAt = 0;
        }
        insert(cursor, m_queue, m_queueAt, m_queueAt + 1);
        most -= m_queue[m_queueAt++].text.size() + 20;
        if (m_queueAt == m_queue.size()) m_queue.clear();
    }
    cursor.endEditBlock();
    if (isComplete()) {
        m_rest.stop();
        if (!m_live.on) startLive();
    } else {
        m_rest.start();
    }
    toEnd();
    viewport()->update();
}

void ChatView::updateFormats() {
    const QPalette& p = palette();
    for (int look = 0; look < static_cast<int>(std::size(m_formats)); ++look) {
        m_formats[look] = {};
        m_formats[look].setProperty(kLookProperty, look);
    }
    m_formats[ChatPiece::Who].setFontWeight(QFont::DemiBold);
    const double size = font().pointSizeF();
    for (const auto look : {ChatPiece::Quiet, ChatPiece::Link})
        if (size > 0) m_formats[look].setFontPointSize(size * 0.9);
    m_formats[ChatPiece::Quiet].setForeground(quietText(p));
    m_formats[ChatPiece::Reasoning].setForeground(quietText(p));
    m_formats[ChatPiece::Link].setForeground(p.color(QPalette::Link));
}

void ChatView::changeEvent(QEvent* event) {
    QPlainTextEdit::changeEvent(event);
    const QEvent::Type type = event->type();
    if (type != QEvent::FontChange && type != QEvent::StyleChange && type != QEvent::PaletteChange) return;
    updateFormats();
    if (!m_shown.empty() || m_live.on) syncAll();
    markFound();
}

QString ChatView::linkAtCursor() const {
    QTextCursor cursor = textCursor();
    if (cursor.hasSelection()) return {};
    const QString before = cursor.charFormat().anchorHref();  // of the character before the cursor
    if (cursor.atBlockEnd() || !cursor.movePosition(QTextCursor::NextCharacter)) return before;
    const QString after = cursor.charFormat().anchorHref();
    return after.isEmpty() ? before : after;
}

void ChatView::follow(const QString& link) {
    const QString what = link.section(':', 0, 0);
    const int turn = link.section(':', 1).toInt();
    if (what == QLatin1String("previous")) showAlternative(turn, -1);
    else if (what == QLatin1String("next")) showAlternative(turn, 1);
    else if (what == QLatin1String("fold")) toggleReasoning(turn);
    else if (what == QLatin1String("edit")) emit editRequested(turn);
    else if (what == QLatin1String("again")) emit againRequested(turn);
    else if (what == QLatin1String("run")) emit runRequested(turn);
}

void ChatView::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (const QString link = linkAtCursor(); enter && event->modifiers() == Qt::NoModifier && !link.isEmpty()) {
        event->accept();
        return follow(link);
    }
    QPlainTextEdit::keyPressEvent(event);
}

void ChatView::mouseMoveEvent(QMouseEvent* event) {
    QPlainTextEdit::mouseMoveEvent(event);
    viewport()->setCursor(anchorAt(event->pos()).isEmpty() ? Qt::IBeamCursor : Qt::PointingHandCursor);
}

void ChatView::mouseReleaseEvent(QMouseEvent* event) {
    QPlainTextEdit::mouseReleaseEvent(event);
    if (event->button() != Qt::LeftButton || textCursor().hasSelection()) return;
    if (const QString link = anchorAt(event->pos()); !link.isEmpty()) follow(link);
}

/// Questions stand on a ground of their own; a bar marks the turn that the keyboard acts on.
void ChatView::paintEvent(QPaintEvent* event) {
    QPainter painter(viewport());
    const QPalette& p = palette();
    const QColor ground = mix(p.color(QPalette::Base), p.color(QPalette::Text), 0.05),
                 accent = p.color(QPalette::Highlight);
    const int current = hasFocus() ? currentTurn() : -1;
    for (QTextBlock block = firstVisibleBlock(); block.isValid(); block = block.next()) {
        const QRectF box = blockBoundingGeometry(block).translated(contentOffset());
        if (box.top() > event->rect().bottom()) break;
        const auto after = std::upper_bound(m_shown.begin(), m_shown.end(), block.position(),
                                            [](int at, const Shown& s) { return at < s.begin; });
        if (after == m_shown.begin() || (m_live.on && block.position() >= m_live.begin)) continue;
        const Shown& shown = *std::prev(after);
        const int next = after != m_shown.end() ? after->begin : m_live.on ? m_live.begin : end();
        if (block.length() == 1 && block.position() + 1 >= next) continue;  // the empty line between two turns
        const QRectF line(0, box.top(), viewport()->width(), box.height());
        if (m_tree->turn(shown.turn).isQuestion) painter.fillRect(line, ground);
        if (shown.turn == current) painter.fillRect(QRectF(0, box.top(), kBar, box.height()), accent);
    }
    painter.end();
    QPlainTextEdit::paintEvent(event);
}

}  // namespace spanscope
