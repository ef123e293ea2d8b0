// Sends messages, asks again, edits earlier ones, goes to other branches: turns what a person does with a conversation
// into ChatRequests, and follows what becomes of them. The answer itself is a run, which RunController follows. GUI
// thread.
#pragma once

#include "ui/model/chat_file.h"
#include "ui/model/chat_tree.h"
#include "ui/window/workspace.h"

namespace spanscope {

class ChatPanel;
class PromptEditor;
class RunController;

class ChatController : public QObject {
    Q_OBJECT
  public:
    ChatController(Workspace* workspace, RunController* runs, PromptEditor* prompt, QObject* parent);
    /// Once, before anything is asked of this object. The panel shows tree().
    void setPanel(ChatPanel* panel);

    ChatTree* tree() const { return m_tree; }
    bool isEditing() const { return m_editing >= 0; }
    bool canAskAgain() const;
    bool canAct() const { return m_workspace->state() == Workspace::State::Ready && !m_tree->writing(); }

    void send();                   ///< while a model loads: as soon as it is ready
    void askAgain(int turn = -1);  ///< another answer in the place of this one; -1: of the last
    void edit(int question);       ///< its text into the editor; what is sent next takes its place, on a branch
    void editCurrent();            ///< the question of the turn that the text cursor is in, or the last one
    void cancelEdit();
    void showAlternative(int direction);  ///< to the turn that the text cursor is in, or the last
    void toggleReasoning();               ///< of that turn
    void showRun(int answer);
    void showCurrentRun();
    void startNew();
    void restore(const ChatFile& chat);  ///< in the place of the conversation there is

  public slots:
    void onChatChanged(const spanscope::ChatUpdate& update);
    void onModelReady();
    void onModelFailed() { m_sendWhenReady = false; }
    void onIdle();

  signals:
    void requested(const spanscope::ChatRequest& request);
    void changed();                           ///< what can be done
    void runWanted(const HistoryEntry& run);  ///< to be shown with its tokens

  private:
    int current() const;
    bool isRefused();  ///< by the model, or since tags are chosen; says so
    void ask(ChatRequest request, const QString& text);

    Workspace* m_workspace;
    RunController* m_runs;
    PromptEditor* m_prompt;
    ChatPanel* m_panel = nullptr;
    ChatTree* m_tree;
    int m_editing = -1;  ///< question
    QString m_draft;     ///< that the text of the question took the place of
    QString m_sent;      ///< not yet among the turns
    bool m_sendWhenReady = false;
};

}  // namespace spanscope
