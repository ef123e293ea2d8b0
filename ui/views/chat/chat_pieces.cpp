#include "ui/views/chat/chat_pieces.h"

#include <algorithm>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr qsizetype kSpeaker = 60;  // characters
}

void ChatBody::append(QStringView text, ChatPiece::Look look, ChatPieces& out) {
    QString piece;
    const auto flush = [&] {
        if (!piece.isEmpty()) out.push_back({piece, look, {}});
        piece.clear();
    };
    while (!text.isEmpty()) {
        const qsizetype newline = text.indexOf('\n');
        const qsizetype line = newline < 0 ? text.size() : newline, room = kChatLine - m_column;
        qsizetype n = std::min(line, room);
        if (n < line && text[n - 1].isHighSurrogate()) --n;
        QStringView part = text.first(n);
        const bool ends = n == line && newline >= 0;
        if (ends && part.endsWith('\r')) part.chop(1);
        piece += shownText(part.toString(), kChatLine);
        m_column += n;
        text = text.sliced(ends ? n + 1 : n);
        if (ends || m_column >= kChatLine - 1) {
            piece += '\n';
            m_column = 0;
        }
        if (piece.size() >= kChatPiece) flush();
    }
    flush();
}

QString speaker(const QString& modelName) {
    return modelName.isEmpty() ? QObject::tr("Model") : shownLine(modelName, kSpeaker);
}

QString reasoningLine(int nTokens, bool unfolded, bool open) {
    QString text = QObject::tr("%1 Reasoning").arg(unfolded ? QStringLiteral("▾") : QStringLiteral("▸"));
    if (nTokens > 0) text += QObject::tr(" · %1 tokens").arg(formatCount(nTokens));
    return open ? text + QObject::tr(", not ended") : text;
}

ChatPieces chatPieces(const ChatTree& tree, int index, bool unfolded) {
    const ChatTurnInfo& turn = tree.turn(index);
    ChatPieces pieces{{turn.isQuestion ? QObject::tr("You") : speaker(turn.modelName), ChatPiece::Who, {}}};
    const auto link = [&](const QString& text, const char* what) {
        pieces.push_back({QStringLiteral("   "), ChatPiece::Quiet, {}});
        pieces.push_back({text, ChatPiece::Link, QStringLiteral("%1:%2").arg(what).arg(index)});
    };
    const QVector<int>& others = tree.alternatives(index);
    if (others.size() > 1) {
        link(QStringLiteral("‹"), "previous");
        pieces.push_back(
            {QObject::tr(" %1 of %2 ").arg(others.indexOf(index) + 1).arg(others.size()), ChatPiece::Quiet, {}});
        pieces.push_back({QStringLiteral("›"), ChatPiece::Link, QStringLiteral("next:%1").arg(index)});
    }
    if (turn.isQuestion) link(QObject::tr("Edit"), "edit");
    else link(QObject::tr("Ask again"), "again");
    pieces.push_back({QStringLiteral("\n"), ChatPiece::Quiet, {}});
    ChatBody body;
    const auto write = [&](const QString& text, ChatPiece::Look look) {
        body.append(text, look, pieces);
        if (!body.atLineStart()) pieces.push_back({QStringLiteral("\n"), look, {}});
        body.startAnew();
    };
    if (turn.isQuestion) {
        write(turn.text, ChatPiece::Said);
    } else {
        if (!turn.reasoning.isEmpty()) {
            pieces.push_back({reasoningLine(turn.nReasoningTokens, unfolded, turn.reasoningOpen), ChatPiece::Link,
                              QStringLiteral("fold:%1").arg(index)});
            pieces.push_back({QStringLiteral("\n"), ChatPiece::Quiet, {}});
            if (unfolded) write(turn.reasoning, ChatPiece::Reasoning);
        }
        if (!turn.said.isEmpty()) write(turn.said, ChatPiece::Said);
        if (turn.nTokens > 0) {
            pieces.push_back({turnFigures(turn), ChatPiece::Quiet, {}});
            if (turn.runId) link(QObject::tr("Show its tokens"), "run");
            pieces.push_back({QStringLiteral("\n"), ChatPiece::Quiet, {}});
        }
    }
    pieces.push_back({QStringLiteral("\n"), ChatPiece::Quiet, {}});
    return pieces;
}

}  // namespace spanscope
