// Conversations in the window: where they stand, and what can be done with them.
#include <QAction>
#include <QSplitter>
#include <QStackedWidget>

#include "ui/views/chat/chat_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_files.h"
#include "ui/window/chat_panel.h"
#include "ui/window/main_tool_bar.h"
#include "ui/window/main_window.h"
#include "ui/window/transcript_panel.h"
#include "ui/window/window_actions.h"

namespace spanscope {

void MainWindow::makeChat() {
    m_chat = new ChatController(m_workspace, m_runs, m_prompt, this);
    m_chatPanel = new ChatPanel(m_chat->tree(), store(), *m_actions, {action("chatNew")}, this);
    m_chat->setPanel(m_chatPanel);
    m_chatFiles = new ChatFiles(m_workspace, m_chat, m_chatPanel, m_prompt, m_banner, m_setup.conversationFile, this);
    m_lower->addWidget(m_chatPanel);
    m_prompt->setConversationButtons({action("chatTokens"), action("chatCancelEdit")},
                                     {action("chatAgain"), action("stop"), action("run")});
    connect(m_chat, &ChatController::changed, this, &MainWindow::refreshChat);
    connect(m_chat, &ChatController::runWanted, m_runs, &RunController::show);
    connect(m_runs, &RunController::shownAgain, this, [this] {
        if (m_prompt->isConversation()) action("chatTokens")->setChecked(true);
    });
    connect(m_workspace, &Workspace::modelSet, this,
            [this] { m_chatPanel->offerThinking(m_workspace->model().thinkingByDefault); });
    connect(m_prompt, &PromptEditor::taskShown, this, &MainWindow::showTask);
    connect(action("chatTokens"), &QAction::toggled, this, &MainWindow::showTask);
}

void MainWindow::addChatActions() {
    const auto add = [this](const QString& id, const QString& text, const char* key, const QString& tip,
                            const std::function<void()>& run) {
        m_actions->add(id, text, {QKeySequence(key)}, tip, run);
    };
    add("openChat", tr("Open con&versation…"), "Ctrl+Alt+O", tr("Open a conversation that was saved"),
        [this] { m_chatFiles->choose(); });
    add("saveChat", tr("Save conve&rsation…"), "Ctrl+Alt+S",
        tr("Save all turns and branches as JSON, as spanscope-cli chat --json writes them"),
        [this] { m_chatFiles->save(); });
    add("chatNew", tr("&New conversation"), "Ctrl+N",
        tr("Begin anew; runs of this conversation stay in the list of runs"), [this] { m_chat->startNew(); });
    add("chatSystem", tr("&System text"), "Ctrl+Shift+Y",
        tr("Show or hide what the model is told before the conversation"),
        [this] { m_chatPanel->showSystemText(!m_chatPanel->showsSystemText()); });
    add("chatAgain", tr("&Regenerate"), "Ctrl+Shift+R",
        tr("Another answer to the last message, on a branch of its own"), [this] { m_chat->askAgain(); });
    add("chatEdit", tr("&Edit message"), "F2",
        tr("Change the message at the text cursor, or the last one; the old one stays on its branch"),
        [this] { m_chat->editCurrent(); });
    add("chatCancelEdit", tr("&Cancel edit"), "Ctrl+Shift+X", tr("Leave the earlier message as it is"),
        [this] { m_chat->cancelEdit(); });
    add("chatPreviousTurn", tr("Pre&vious turn"), "Alt+Up", tr("Put the text cursor into the turn before"), [this] {
        m_chatPanel->view()->setFocus();
        m_chatPanel->view()->goToTurn(-1);
    });
    add("chatNextTurn", tr("Ne&xt turn"), "Alt+Down", tr("Put the text cursor into the next turn"), [this] {
        m_chatPanel->view()->setFocus();
        m_chatPanel->view()->goToTurn(1);
    });
    add("chatPreviousBranch", tr("&Older branch"), "Alt+Shift+Left",
        tr("The older one of the turns that stand in the same place"), [this] { m_chat->showAlternative(-1); });
    add("chatNextBranch", tr("Ne&wer branch"), "Alt+Shift+Right",
        tr("The newer one of the turns that stand in the same place"), [this] { m_chat->showAlternative(1); });
    add("chatReasoning", tr("&Fold reasoning"), "Ctrl+Shift+H",
        tr("Show or hide what the model wrote before its answer"), [this] { m_chat->toggleReasoning(); });
    add("chatRun", tr("Show its &run"), "Alt+Return",
        tr("Mask, throughput and tokens of the answer at the text cursor"), [this] { m_chat->showCurrentRun(); });
    add("chatTokens", tr("&Tokens"), "Ctrl+T", tr("Prompt and response token by token instead of the conversation"),
        {});
    action("chatTokens")->setCheckable(true);
}

void MainWindow::showTask() {
    const bool chat = m_prompt->isConversation();
    const bool was = m_splitter->indexOf(m_prompt) == 1;
    m_lower->setCurrentWidget(chat && !action("chatTokens")->isChecked() ? static_cast<QWidget*>(m_chatPanel)
                                                                         : static_cast<QWidget*>(m_transcripts));
    if (chat != was) {
        m_splitter->insertWidget(chat ? 1 : 0, m_prompt);
        m_splitter->setStretchFactor(0, chat ? 1 : 0);
        m_splitter->setStretchFactor(1, chat ? 0 : 1);
        m_promptDragged = false;
        fitPrompt();
    }
    refresh();
}

bool MainWindow::showsConversation() const { return m_lower->currentWidget() == m_chatPanel; }

void MainWindow::findNext(int direction) {
    if (showsConversation()) m_chatPanel->view()->findNext(direction);
    else m_transcripts->findNext(direction);
}

void MainWindow::refreshChat() {
    const bool chat = m_prompt->isConversation(), ready = chat && m_chat->canAct(), some = !m_chat->tree()->isEmpty();
    action("run")->setText(chat ? tr("&Send") : tr("&Run"));
    action("run")->setToolTip(state() == State::NoModel ? tr("Run needs a model; open one first")
                              : m_runs->teachesTags()   ? tr("Ask under the tags that are taught")
                              : chat                    ? tr("Send the message")
                                                        : tr("Run the problem"));
    m_prompt->setConversationBegun(some);
    m_toolBar->showTags(chat && m_workspace->hasModel() && m_workspace->model().noChat.isEmpty());
    m_toolBar->refreshAttention();
    const auto choices = m_runs->choices();
    for (const auto& [id, choice] :
         {std::pair("attentionDeclared", Compare::Declared), std::pair("attentionWindow", Compare::Window),
          std::pair("attentionKeep", Compare::Keep), std::pair("attentionLossless", Compare::Lossless),
          std::pair("attentionBoth", Compare::Both), std::pair("attentionPolicy", Compare::Policy)})
        action(id)->setEnabled(choices.contains(choice));
    action("openChat")->setEnabled(!m_workspace->isBusy());
    action("saveChat")->setEnabled(some && !m_workspace->isBusy());
    for (const char* id : {"chatSystem", "chatTokens"}) action(id)->setEnabled(chat);
    for (const char* id : {"chatPreviousTurn", "chatNextTurn", "chatReasoning"}) action(id)->setEnabled(chat && some);
    for (const char* id : {"chatEdit", "chatPreviousBranch", "chatNextBranch", "chatRun"})
        action(id)->setEnabled(ready && some);
    action("chatNew")->setEnabled(chat && some && !m_workspace->isBusy());
    action("chatAgain")->setEnabled(chat && m_chat->canAskAgain());
    action("chatCancelEdit")->setEnabled(chat && m_chat->isEditing());
    action("chatCancelEdit")->setVisible(m_chat->isEditing());
}

}  // namespace spanscope
