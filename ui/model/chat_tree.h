// A conversation as the window holds it: a tree of turns, and which of its branches is on show. The engine has a copy
// that it works with; this one stays when the model goes, and is what the engine begins anew from. GUI thread.
#pragma once

#include <QHash>
#include <QObject>
#include <QVector>

#include "ui/model/payloads.h"

namespace spanscope {

/// One turn. Values.
struct ChatTurnInfo {
    bool isQuestion = true;
    int parent = -1;  ///< index of the turn before it; -1: a first turn
    QString text;     ///< as typed; of an answer all of it, reasoning included
    // Of an answer, by the engine's reading:
    QString reasoning;  ///< between <think> and </think>
    QString said;       ///< what follows
    bool reasoningOpen = false;
    int nReasoningTokens = 0;
    // Of an answer, about the run that wrote it:
    qint64 runId = 0;
    int keptTokens = 0;  ///< of the prompt, from the turns before
    int readTokens = 0;  ///< of the prompt, evaluated
    int nTokens = 0;     ///< written
    double tokensPerS = 0;
    StopReason stop = StopReason::EndOfText;
    QString modelName, modelHash;
    QString attention;  ///< which tokens its steps could read, as MaskPolicySpec writes it; empty: not known
    std::shared_ptr<const std::vector<int32_t>> ids;  ///< null: not known
};

/// What the window asks of a conversation; the answer is a run like any other, and ChatUpdates beside it.
struct ChatRequest {
    enum class Kind { Ask, Again, Edit };
    Kind kind = Kind::Ask;
    qint64 runId = 0;
    qint64 conversation = 0;      ///< which one this is, and
    QVector<ChatTurnInfo> turns;  ///< all of it, should the engine not have it
    int tip = -1;                 ///< Ask goes on behind it, Again answers its question
    int question = -1;            ///< Edit: in the place of this one
    RunSettings settings;         ///< promptText: of Ask and Edit
};

/// What became of a conversation.
struct ChatUpdate {
    qint64 conversation = 0;
    qint64 writing = 0;           ///< run id of the answer that has begun; 0: none is being written
    int first = 0;                ///< `turns` stand from here on
    QVector<ChatTurnInfo> turns;  ///< new ones
    int tip = -1;
};

class ChatTree : public QObject {
    Q_OBJECT
  public:
    using QObject::QObject;

    qint64 id() const { return m_id; }  ///< another one after start()
    bool isEmpty() const { return m_turns.isEmpty(); }
    const QVector<ChatTurnInfo>& turns() const { return m_turns; }
    const ChatTurnInfo& turn(int index) const { return m_turns[index]; }
    /// What is said next hangs on it; -1: nothing has been said.
    int tip() const { return m_tip; }
    qint64 writing() const { return m_writing; }
    QVector<int> path() const;  ///< from the first turn to the tip
    /// The turns that stand in the same place, this one among them, oldest first.
    const QVector<int>& alternatives(int turn) const;
    /// The question before an answer; a question itself.
    int questionOf(int turn) const { return m_turns[turn].isQuestion ? turn : m_turns[turn].parent; }

    void start();  ///< an empty conversation
    /// Another conversation, as readChatFile() checked it; shows the branch of `tip`.
    void restore(const QVector<ChatTurnInfo>& turns, int tip);
    /// Shows the branch that goes through `turn`, its newest turns after that. Not while an answer is being written.
    void show(int turn);
    /// Of another conversation: ignored.
    void apply(const ChatUpdate& update);
    void setNotWriting();

  signals:
    void changed();

  private:
    QVector<ChatTurnInfo> m_turns;
    QHash<int, QVector<int>> m_children;  ///< by parent
    int m_tip = -1;
    qint64 m_id = 1, m_writing = 0;
};

/// What an answer that is being written consists of so far. begunInside: its prompt ends inside of reasoning.
struct LiveAnswer {
    bool reasons = false;  ///< it began with reasoning
    bool open = false;     ///< that has not ended
    qsizetype saidFrom = 0;
    qsizetype reasoningFrom = 0, reasoningEnd = 0;
};
LiveAnswer readLiveAnswer(const QString& text, bool begunInside);

/// "kept 412 tokens, read 18 new · wrote 96 tokens at 84 t/s"
QString turnFigures(const ChatTurnInfo& answer);

/// All of the branch on show, for the clipboard: who, a colon, and what was said.
QString chatText(const ChatTree& tree);

}  // namespace spanscope

Q_DECLARE_METATYPE(spanscope::ChatRequest)
Q_DECLARE_METATYPE(spanscope::ChatUpdate)
