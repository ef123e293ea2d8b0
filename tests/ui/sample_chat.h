// Turns of a conversation, made up.
#pragma once

#include "tests/ui/sample_run.h"
#include "ui/model/chat_tree.h"

namespace spanscope::sample {

inline ChatTurnInfo question(int parent, const QString& text) {
    ChatTurnInfo turn;
    turn.parent = parent;
    turn.text = text;
    return turn;
}

inline ChatTurnInfo answer(int parent, const QString& text) {
    ChatTurnInfo turn;
    turn.isQuestion = false;
    turn.parent = parent;
    turn.text = turn.said = text;
    turn.runId = 1 + parent;
    turn.keptTokens = 4;
    turn.readTokens = 5;
    turn.nTokens = 6;
    turn.modelName = "Tiny";
    return turn;
}

/// More turns, and where the conversation stands then.
inline void say(ChatTree& tree, const QVector<ChatTurnInfo>& turns, int tip, qint64 writing = 0) {
    ChatUpdate update;
    update.conversation = tree.id();
    update.first = static_cast<int>(tree.turns().size());
    update.turns = turns;
    update.tip = tip;
    update.writing = writing;
    tree.apply(update);
}

/// The run that writes an answer, a word a token.
inline RunData chatRun(const QString& prompt, const QString& answer, int64_t runId) {
    Builder b(MaskPolicySpec::dense(), runId);
    b.run.header.settings.task = "chat";
    b.run.header.settings.promptText = prompt.section('\n', -1).toStdString();
    b.run.header.formattedPrompt = prompt.toStdString();
    b.run.header.modelName = "Tiny Instruct";
    b.run.header.hasProtocol = false;
    const auto words = [](const QString& text) {
        QStringList list{QString()};
        for (const QChar c : text) {
            if (c == ' ' || c == '\n') list << QString();
            list.back() += c;
        }
        return list;
    };
    for (const QString& word : words(prompt)) b.prompt(word.toStdString());
    for (const QString& word : words(answer)) b.step(word.toStdString(), Phase::Free, -1, {{0, kOpenEnd}});
    b.run.stats.promptTokens = static_cast<int>(b.run.header.prompt.size());
    return b.run;
}

}  // namespace spanscope::sample
