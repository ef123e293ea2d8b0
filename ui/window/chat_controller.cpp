#include "ui/window/chat_controller.h"

#include <utility>

#include "ui/views/chat/chat_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/chat_panel.h"
#include "ui/window/run_controller.h"

namespace spanscope {

using State = Workspace::State;

ChatController::ChatController(Workspace* workspace, RunController* runs, PromptEditor* prompt, QObject* parent)
    : QObject(parent), m_workspace(workspace), m_runs(runs), m_prompt(prompt), m_tree(new ChatTree(this)) {
    connect(m_tree, &ChatTree::changed, this, &ChatController::changed);
}

void ChatController::setPanel(ChatPanel* panel) {
    m_panel = panel;
    connect(panel->view(), &ChatView::editRequested, this, &ChatController::edit);
    connect(panel->view(), &ChatView::againRequested, this, &ChatController::askAgain);
    connect(panel->view(), &ChatView::runRequested, this, &ChatController::showRun);
    connect(panel, &ChatPanel::refused, m_workspace, &Workspace::message);
}

int ChatController::current() const {
    const int turn = m_panel->view()->currentTurn();
    return turn >= 0 ? turn : m_tree->tip();
}

bool ChatController::canAskAgain() const { return canAct() && m_tree->tip() >= 0; }

void ChatController::send() {
    if (m_prompt->isComposing()) return;  // the key belongs to the input method
    if (m_workspace->state() == State::Loading) {
        m_sendWhenReady = true;
        emit m_workspace->message(tr("Is sent as soon as the model is ready"));
        return;
    }
    if (!canAct()) return;
    const QString text = m_prompt->text();
    if (text.trimmed().isEmpty()) {
        m_prompt->showWarning(tr("Type a message first."));
        return;
    }
    if (isRefused()) return;
    ChatRequest request;
    request.kind = isEditing() ? ChatRequest::Kind::Edit : ChatRequest::Kind::Ask;
    request.question = m_editing;
    m_sent = text;
    ask(std::move(request), text);
}

bool ChatController::isRefused() {
    if (m_runs->teachesTags()) {
        m_prompt->showWarning(
            tr("With tags a question stands alone; choose “No tags” to go on with the conversation."));
        return true;
    }
    if (!m_prompt->isRefused(m_prompt->task())) return false;
    m_prompt->showWarning(tr("This model cannot hold a conversation; choose another task or another model."));
    return true;
}

void ChatController::askAgain(int turn) {
    if (!canAskAgain() || isRefused()) return;
    ChatRequest request;
    request.kind = ChatRequest::Kind::Again;
    const int tip = turn >= 0 ? turn : m_tree->tip();
    request.tip = tip;
    ask(std::move(request), m_tree->turn(m_tree->questionOf(tip)).text);
}

void ChatController::ask(ChatRequest request, const QString& text) {
    request.runId = m_runs->beginElsewhere();
    request.conversation = m_tree->id();
    request.turns = m_tree->turns();
    if (request.kind != ChatRequest::Kind::Again) request.tip = m_tree->tip();
    request.settings = m_runs->nextSettings();
    request.settings.task = m_prompt->task().toStdString();
    request.settings.systemText = m_panel->systemText().trimmed().toStdString();
    request.settings.thinking = m_panel->thinking();
    request.settings.promptText = text.toStdString();
    request.settings.attention = m_runs->attention();
    emit requested(request);
}

/// The question has come among the turns, or the answer has.
void ChatController::onChatChanged(const ChatUpdate& update) {
    m_tree->apply(update);
    if (!update.writing || m_sent.isNull()) return;
    const bool wasEdited = isEditing();
    m_editing = -1;
    if (m_prompt->text() == m_sent) m_prompt->setText(wasEdited ? m_draft : QString());
    m_sent = m_draft = QString();
    emit changed();
}

void ChatController::onIdle() {
    m_sent = QString();
    m_tree->setNotWriting();
}

void ChatController::onModelReady() {
    if (std::exchange(m_sendWhenReady, false) && m_prompt->isConversation()) send();
}

void ChatController::edit(int question) {
    if (!canAct() || question < 0) return;
    if (!isEditing()) m_draft = m_prompt->text();
    m_editing = question;
    m_prompt->setText(m_tree->turn(question).text);
    m_prompt->showWarning(tr("An earlier message: sent, it stands on a branch of its own, and the old one stays."));
    m_prompt->focusText();
    emit changed();
}

void ChatController::editCurrent() {
    if (current() >= 0) edit(m_tree->questionOf(current()));
}

void ChatController::cancelEdit() {
    if (!isEditing()) return;
    m_editing = -1;
    m_prompt->setText(m_draft);
    m_draft = QString();
    m_prompt->focusText();
    emit changed();
}

void ChatController::showAlternative(int direction) {
    if (canAct()) m_panel->view()->showAlternative(current(), direction);
}

void ChatController::toggleReasoning() { m_panel->view()->toggleReasoning(m_tree->writing() ? -1 : current()); }

void ChatController::showRun(int answer) {
    if (m_workspace->isBusy() || answer < 0) return;
    const RunHistory* history = m_workspace->history();
    const qint64 runId = m_tree->turn(answer).runId;
    for (int row = 0; row < history->rowCount(); ++row)
        if (const HistoryEntry& entry = history->at(row); entry.origin.isEmpty() && entry.run->header.runId == runId) {
            emit runWanted(entry);
            return;
        }
    emit m_workspace->message(runId ? tr("The run of this answer is no longer kept") : tr("This answer has no run"));
}

void ChatController::showCurrentRun() {
    const int turn = current();
    if (turn >= 0 && !m_tree->turn(turn).isQuestion) showRun(turn);
    else emit m_workspace->message(tr("Put the text cursor into an answer first"));
}

void ChatController::startNew() {
    if (m_workspace->isBusy()) return;
    cancelEdit();
    m_tree->start();
    m_prompt->focusText();
}

void ChatController::restore(const ChatFile& chat) {
    if (m_workspace->isBusy()) return;
    cancelEdit();
    m_tree->restore(chat.turns, chat.tip);
}

}  // namespace spanscope
