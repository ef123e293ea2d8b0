// A conversation as a person reads it: the turns of the branch on show as one text that can be selected and searched,
// and under it the answer that is being written. Put in by slices, so that no turn of the event loop grows with the
// conversation. What can be done with a turn stands beside its speaker as links; by keyboard it is done with the turn
// that the text cursor is in, and Return follows a link under the cursor. GUI thread.
#pragma once

#include <QPlainTextEdit>
#include <QSet>
#include <QTimer>
#include <vector>

#include "ui/model/run_store.h"
#include "ui/views/chat/chat_pieces.h"

namespace spanscope {

class ChatView : public QPlainTextEdit {
    Q_OBJECT
  public:
    /// store: the run that writes the answer, while tree->writing() is its id.
    ChatView(ChatTree* tree, RunStore* store, QWidget* parent);

    int currentTurn() const;         ///< that the text cursor is in; -1: none, or the answer being written
    void goToTurn(int direction);    ///< moves the text cursor to the next one (1) or the one before (-1)
    void toggleReasoning(int turn);  ///< -1: of the answer being written
    /// Shows the alternative after (1) or before (-1) a turn; at the ends nothing.
    void showAlternative(int turn, int direction);
    /// Text of what was said, whatever its case; found() says how many places there are, now and as more comes. Empty:
    /// nothing is looked for.
    void findText(const QString& text);
    bool findNext(int direction);  ///< selects the next place (1) or the one before (-1), round the ends; false: none
    bool isComplete() const { return m_queue.isEmpty() && m_nNext >= m_wanted.size(); }  ///< all of it is put in

  signals:
    void editRequested(int question);
    void againRequested(int answer);
    void runRequested(int answer);
    void found(int nPlaces);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;

  private:
    /// A turn in the document.
    struct Shown {
        int turn = 0, begin = 0;  ///< characters from there on
        int nth = 0, nOthers = 0;
        bool unfolded = false;
        bool operator==(const Shown& o) const {
            return turn == o.turn && nth == o.nth && nOthers == o.nOthers && unfolded == o.unfolded;
        }
    };
    /// The answer being written, as far as it is put in.
    struct Live {
        bool on = false;
        int begin = 0, lineBegin = -1, lineEnd = -1;  ///< characters; the line on reasoning
        QString text;
        size_t nSteps = 0;
        int nReasoningTokens = 0;
        qsizetype shownTo = 0;  ///< of text
        bool reasoningEnded = false;
        ChatBody body;
    };

    /// What is looked for, and where it stands as far as has been looked.
    struct Find {
        QString text;
        std::vector<int> at;  ///< characters, ascending
        int lookedTo = 0;     ///< begins a line
    };
    static constexpr int kLookProperty = QTextFormat::UserProperty + 1;

    void findMore();
    void forgetFoundFrom(int position);
    void markFound();
    Shown wantedAt(int turn) const;
    void sync();
    void syncAll();
    void replace(size_t index);
    void cutFrom(int position);
    void putIn(qsizetype most);
    void toEnd();
    void insert(QTextCursor& cursor, const ChatPieces& pieces, qsizetype from, qsizetype to);
    void startLive();
    void growLive();
    void showLiveBody(const LiveAnswer& answer);
    void setLiveLine(const QString& text);
    void updateFormats();
    void follow(const QString& link);
    QString linkAtCursor() const;
    int end() const;

    ChatTree* m_tree;
    RunStore* m_store;
    QTextCharFormat m_formats[5];  ///< by ChatPiece::Look
    std::vector<Shown> m_shown;
    QVector<int> m_wanted;  ///< turns, of which m_nNext are put in or begun
    qsizetype m_nNext = 0;
    ChatPieces m_queue;  ///< of the turn that is being put in, from m_queueAt on
    qsizetype m_queueAt = 0;
    Live m_live;
    QSet<int> m_unfolded;
    QTimer m_rest;
    Find m_find;
    QTimer m_findRest;
    qint64 m_writing = 0;  ///< as of the last sync()
    bool m_follow = true;  ///< the end stays in sight; until somebody scrolls away from it
    bool m_selfScrolling = false;
};

}  // namespace spanscope
