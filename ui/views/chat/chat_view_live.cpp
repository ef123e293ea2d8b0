// The answer that is being written, token by token, under the turns that are there.
#include <algorithm>

#include "ui/views/chat/chat_view.h"

namespace spanscope {

void ChatView::startLive() {
    if (!m_tree->writing()) return;
    m_live = {};
    m_live.on = true;
    m_live.begin = end();
    QTextCursor cursor(document());
    cursor.movePosition(QTextCursor::End);
    const bool begun = m_store->data().header.runId == m_tree->writing();
    const QString name = begun ? QString::fromStdString(m_store->data().header.modelName) : QString();
    insert(
        cursor,
        {{speaker(name), ChatPiece::Who, {}}, {tr("   writing"), ChatPiece::Quiet, {}}, {"\n", ChatPiece::Quiet, {}}},
        0, 3);
    growLive();
}

void ChatView::growLive() {
    const RunData& run = m_store->data();
    if (!m_live.on || run.header.runId != m_tree->writing()) return;
    for (; m_live.nSteps < run.steps.size(); ++m_live.nSteps)
        m_live.text += QString::fromStdString(run.steps[m_live.nSteps].token.text);
    const QString prompt = QString::fromStdString(run.header.formattedPrompt.substr(
        run.header.formattedPrompt.size() - std::min<size_t>(run.header.formattedPrompt.size(), 32)));
    const LiveAnswer answer = readLiveAnswer(m_live.text, prompt.trimmed().endsWith(QLatin1String("<think>")));
    if (answer.reasons) {
        if (!m_live.reasoningEnded) m_live.nReasoningTokens = static_cast<int>(m_live.nSteps);
        const bool unfolded = m_unfolded.contains(-1);
        setLiveLine(reasoningLine(m_live.nReasoningTokens, unfolded, false));
        m_live.reasoningEnded = !answer.open;
    }
    showLiveBody(answer);
    toEnd();
}

void ChatView::showLiveBody(const LiveAnswer& answer) {
    ChatPieces pieces;
    const auto write = [&](qsizetype to, ChatPiece::Look look) {
        if (to <= m_live.shownTo) return;
        m_live.body.append(QStringView(m_live.text).mid(m_live.shownTo, to - m_live.shownTo), look, pieces);
        m_live.shownTo = to;
    };
    if (answer.reasons && m_live.shownTo < answer.saidFrom) {
        if (m_unfolded.contains(-1)) {
            m_live.shownTo = std::max(m_live.shownTo, answer.reasoningFrom);
            // What may be the beginning of </think> waits.
            write(answer.open ? answer.reasoningEnd - 7 : answer.reasoningEnd, ChatPiece::Reasoning);
            if (!answer.open && !m_live.body.atLineStart()) pieces.push_back({"\n", ChatPiece::Reasoning, {}});
        }
        if (!answer.open) {
            m_live.shownTo = answer.saidFrom;
            m_live.body.startAnew();
        }
    }
    const QString begins = m_live.text.trimmed();
    const bool mayReason = !answer.reasons && QStringLiteral("<think>").startsWith(begins);
    if (!answer.open && !mayReason) write(m_live.text.size(), ChatPiece::Said);
    QTextCursor cursor(document());
    cursor.beginEditBlock();
    cursor.movePosition(QTextCursor::End);
    insert(cursor, pieces, 0, pieces.size());
    cursor.endEditBlock();
}

void ChatView::setLiveLine(const QString& text) {
    QTextCursor cursor(document());
    if (m_live.lineBegin < 0) {
        m_live.lineBegin = end();
        cursor.movePosition(QTextCursor::End);
        insert(cursor, {{text, ChatPiece::Link, "fold:-1"}, {"\n", ChatPiece::Quiet, {}}}, 0, 2);
    } else {
        cursor.setPosition(m_live.lineBegin);
        cursor.setPosition(m_live.lineEnd, QTextCursor::KeepAnchor);
        if (cursor.selectedText() == text) return;
        insert(cursor, {{text, ChatPiece::Link, "fold:-1"}}, 0, 1);
    }
    m_live.lineEnd = m_live.lineBegin + static_cast<int>(text.size());
}

}  // namespace spanscope
