#include "ui/model/chat_tree.h"

#include <algorithm>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr qsizetype kAttention = 40;  // characters
}

QVector<int> ChatTree::path() const {
    QVector<int> list;
    for (int turn = m_tip; turn >= 0; turn = m_turns[turn].parent) list << turn;
    std::reverse(list.begin(), list.end());
    return list;
}

const QVector<int>& ChatTree::alternatives(int turn) const {
    const auto found = m_children.constFind(m_turns[turn].parent);
    Q_ASSERT(found != m_children.constEnd());
    return *found;
}

void ChatTree::start() { restore({}, -1); }

void ChatTree::restore(const QVector<ChatTurnInfo>& turns, int tip) {
    ++m_id;
    m_turns = turns;
    m_children.clear();
    for (int i = 0; i < m_turns.size(); ++i) m_children[m_turns[i].parent] << i;
    m_tip = -1;
    m_writing = 0;
    if (m_turns.isEmpty()) emit changed();
    else show(tip >= 0 ? tip : static_cast<int>(m_turns.size()) - 1);
}

void ChatTree::show(int turn) {
    if (m_writing || turn < 0 || turn >= m_turns.size()) return;
    for (auto next = m_children.constFind(turn); next != m_children.constEnd(); next = m_children.constFind(turn))
        turn = next->back();
    m_tip = turn;
    emit changed();
}

void ChatTree::apply(const ChatUpdate& update) {
    if (update.conversation != m_id || update.first != m_turns.size()) return;
    for (const ChatTurnInfo& turn : update.turns) {
        m_children[turn.parent] << static_cast<int>(m_turns.size());
        m_turns << turn;
    }
    m_tip = update.tip;
    m_writing = update.writing;
    emit changed();
}

void ChatTree::setNotWriting() {
    if (!m_writing) return;
    m_writing = 0;
    emit changed();
}

LiveAnswer readLiveAnswer(const QString& text, bool begunInside) {
    static const QString kBegin = QStringLiteral("<think>"), kEnd = QStringLiteral("</think>");
    LiveAnswer answer;
    qsizetype at = 0;
    while (at < text.size() && text[at].isSpace()) ++at;
    const bool begins = QStringView(text).mid(at).startsWith(kBegin);
    if (!begins && !begunInside) return answer;
    answer.reasons = true;
    answer.reasoningFrom = begins ? at + kBegin.size() : 0;
    while (answer.reasoningFrom < text.size() && text[answer.reasoningFrom].isSpace()) ++answer.reasoningFrom;
    answer.reasoningEnd = text.indexOf(kEnd, answer.reasoningFrom);
    answer.open = answer.reasoningEnd < 0;
    if (answer.open) answer.reasoningEnd = answer.saidFrom = text.size();
    else answer.saidFrom = answer.reasoningEnd + kEnd.size();
    while (answer.saidFrom < text.size() && text[answer.saidFrom].isSpace()) ++answer.saidFrom;
    return answer;
}

QString turnFigures(const ChatTurnInfo& answer) {
    QString text =
        QObject::tr("kept %1 tokens, read %2 new · wrote %3 tokens")
            .arg(formatCount(answer.keptTokens), formatCount(answer.readTokens), formatCount(answer.nTokens));
    if (answer.tokensPerS > 0) text += QObject::tr(" at %1").arg(formatRate(answer.tokensPerS));
    if (!answer.attention.isEmpty() && answer.attention != QLatin1String("dense"))
        text += QStringLiteral(" · ") + shownLine(answer.attention, kAttention);
    switch (answer.stop) {
        case StopReason::Cancelled: return text + QObject::tr(" · stopped");
        case StopReason::TokenLimit: return text + QObject::tr(" · stopped at the token limit");
        case StopReason::ContextFull: return text + QObject::tr(" · the context is full");
        case StopReason::Repeats: return text + QObject::tr(" · stopped: it repeats itself");
        case StopReason::Answered: return text + QObject::tr(" · answered");
        case StopReason::Failed: return text + QObject::tr(" · failed");
        case StopReason::NotFinite: return text + QObject::tr(" · failed: the model's numbers are not finite");
        default: return text;
    }
}

QString chatText(const ChatTree& tree) {
    QString text;
    for (const int index : tree.path()) {
        const ChatTurnInfo& turn = tree.turn(index);
        text += (turn.isQuestion ? QObject::tr("You") : turn.modelName) + QStringLiteral(":\n") + turn.text.trimmed() +
                QStringLiteral("\n\n");
    }
    return text;
}

}  // namespace spanscope
