// A conversation as a file: the JSON of `spanscope-cli chat --json` (app/cli/README.md), written and read. What the
// window keeps from one start to the next is such a file, too. From outside: read with bounds, and token ids in it are
// not believed, since they need not spell the text beside them.
#pragma once

#include <QString>

#include "engine/types/result.h"
#include "ui/model/chat_tree.h"

namespace spanscope {

struct ChatFile {
    QVector<ChatTurnInfo> turns;  ///< of all branches, parents before children
    int tip = -1;
    QString systemText;
};

inline constexpr qint64 kMostChatBytes = qint64{64} << 20;      ///< of a file that is opened
inline constexpr qint64 kMostKeptChatBytes = qint64{16} << 20;  ///< of one that is kept from start to start
inline constexpr int kMostChatTurns = 100'000;

/// withTokens: an answer's ids where they are known.
std::string chatFileText(const ChatFile& chat, bool withTokens);

/// The branch on show alone, of turns that know their parents.
ChatFile branchOnShow(const ChatFile& chat);

/// Answers come without ids and without a run; what is reasoning is read from the text. Format or Io, naming the field:
/// more than mostBytes, another version, a turn whose parent does not come before it, questions and answers that do
/// not take turns, a tip that is no turn.
Result<ChatFile> readChatFile(const QString& path, qint64 mostBytes = kMostChatBytes);

}  // namespace spanscope
