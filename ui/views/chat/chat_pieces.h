// A turn of a conversation as short pieces of text with a look and, where a click does something, a link: what
// ChatView puts into its document. Text from models and files is written out as shownText() does, and long lines are
// cut, since a line costs the square of its length to lay out. Nothing of widgets in here.
#pragma once

#include <QVector>

#include "ui/model/chat_tree.h"

namespace spanscope {

inline constexpr qsizetype kChatLine = 2000;   ///< characters of a line at most; it goes on in the next one
inline constexpr qsizetype kChatPiece = 8000;  ///< characters of a piece, about

struct ChatPiece {
    enum Look { Who, Quiet, Link, Reasoning, Said };
    QString text;
    Look look = Said;
    QString link;  ///< "edit:3"; empty: none
};
using ChatPieces = QVector<ChatPiece>;

/// Text that arrives bit by bit: knows how long the line is that it goes on with.
class ChatBody {
  public:
    void append(QStringView text, ChatPiece::Look look, ChatPieces& out);
    bool atLineStart() const { return m_column == 0; }
    void startAnew() { m_column = 0; }

  private:
    qsizetype m_column = 0;
};

/// Heading with the turn's alternatives and what can be done, reasoning (folded to one line, or all), text, figures.
/// Ends with an empty line.
ChatPieces chatPieces(const ChatTree& tree, int turn, bool unfolded);
/// "▸ Reasoning · 128 tokens"; nTokens 0: not known.
QString reasoningLine(int nTokens, bool unfolded, bool open);
/// "SmolLM2", or "Model" where it has no name.
QString speaker(const QString& modelName);

}  // namespace spanscope
