#include "ui/window/chat_files.h"

#include <QDir>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QSettings>
#include <utility>

#include "engine/files/output_file.h"
#include "ui/model/error_info.h"
#include "ui/model/shown_text.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/banner.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_panel.h"

namespace spanscope {

namespace {
constexpr qsizetype kModelName = 60;  // characters
}

ChatFiles::ChatFiles(Workspace* workspace, ChatController* chat, ChatPanel* panel, PromptEditor* prompt, Banner* banner,
                     const QString& keptFile, QWidget* window)
    : QObject(window),
      m_workspace(workspace),
      m_chat(chat),
      m_panel(panel),
      m_prompt(prompt),
      m_banner(banner),
      m_keptFile(keptFile),
      m_window(window) {}

void ChatFiles::choose() {
    const QString path =
        QFileDialog::getOpenFileName(m_window, tr("Open conversation"), QSettings().value("chat/folder").toString(),
                                     tr("Conversations (*.json);;All files (*)"));
    if (path.isEmpty()) return;
    QSettings().setValue("chat/folder", QFileInfo(path).absolutePath());
    open(path);
}

void ChatFiles::open(const QString& path) {
    if (m_workspace->isBusy()) return;
    const auto chat = readChatFile(path);
    if (!chat) return m_banner->showError(toErrorInfo(tr("The conversation could not be opened"), chat.error()));
    show(*chat);
    m_prompt->setTask(m_prompt->conversationTask());
    emit m_workspace->message(tr("Opened %1").arg(QFileInfo(path).fileName()));
}

void ChatFiles::show(const ChatFile& chat) {
    m_chat->restore(chat);
    m_panel->setSystemText(chat.systemText);
}

void ChatFiles::save() {
    if (m_chat->tree()->isEmpty()) return;
    const QString folder = QSettings().value("chat/folder").toString();
    QString path = QFileDialog::getSaveFileName(m_window, tr("Save conversation"),
                                                (folder.isEmpty() ? QString() : folder + '/') + "conversation.json",
                                                tr("Conversations (*.json)"));
    if (path.isEmpty()) return;
    if (!path.endsWith(".json")) path += ".json";
    QSettings().setValue("chat/folder", QFileInfo(path).absolutePath());
    saveAs(path);
}

void ChatFiles::saveAs(const QString& path) {
    const Status ok = writeFile(path.toStdString(), chatFileText(snapshot(), true));
    if (ok) emit m_workspace->message(tr("Saved %1").arg(path));
    else m_banner->showError(toErrorInfo(tr("The conversation could not be saved"), ok.error()));
}

/// With as much of an answer as has been written.
ChatFile ChatFiles::snapshot() const {
    const ChatTree& tree = *m_chat->tree();
    ChatFile chat{tree.turns(), tree.tip(), m_panel->systemText()};
    const RunData& run = m_workspace->shown()->data();
    if (!tree.writing() || tree.writing() != run.header.runId || run.steps.empty()) return chat;
    ChatTurnInfo answer;
    answer.isQuestion = false;
    answer.parent = chat.tip;
    for (const StepRecord& step : run.steps) answer.text += QString::fromStdString(step.token.text);
    answer.nTokens = static_cast<int>(run.steps.size());
    answer.stop = StopReason::Cancelled;
    answer.modelName = QString::fromStdString(run.header.modelName);
    answer.modelHash = QString::fromStdString(run.header.modelHash);
    answer.attention = QString::fromStdString(run.header.settings.attention.text());
    chat.turns << answer;
    chat.tip = static_cast<int>(chat.turns.size()) - 1;
    return chat;
}

bool ChatFiles::restore() {
    if (m_keptFile.isEmpty() || !QFileInfo::exists(m_keptFile)) return false;
    const auto chat = readChatFile(m_keptFile, kMostKeptChatBytes);
    if (!chat) {
        const QString aside = m_keptFile + ".unreadable";
        QFile::remove(aside);
        QFile::rename(m_keptFile, aside);
        m_banner->showError(toErrorInfo(tr("The conversation of the last time could not be read"), chat.error()));
        return false;
    }
    if (chat->turns.isEmpty() && chat->systemText.isEmpty()) return false;
    show(*chat);
    m_restored = !chat->turns.isEmpty() && QSettings().value("chat/onShow").toBool();
    if (m_restored) m_prompt->setTask(m_prompt->conversationTask());
    return m_restored;
}

void ChatFiles::keep() {
    if (m_keptFile.isEmpty()) return;
    QSettings settings;
    settings.setValue("chat/onShow", m_prompt->isConversation());
    const ChatFile chat = snapshot();
    if (chat.turns.isEmpty() && chat.systemText.isEmpty()) {
        QFile::remove(m_keptFile);
        return;
    }
    for (const ChatTurnInfo& turn : chat.turns)
        if (!turn.isQuestion && turn.modelHash == m_workspace->model().hash)
            settings.setValue("chat/model", m_workspace->model().path);
    std::string text = chatFileText(chat, false);
    if (text.size() > static_cast<size_t>(kMostKeptChatBytes)) text = chatFileText(branchOnShow(chat), false);
    if (text.size() > static_cast<size_t>(kMostKeptChatBytes) || !QDir().mkpath(QFileInfo(m_keptFile).absolutePath()))
        return;
    if (writeFile(m_keptFile.toStdString(), text))
        QFile::setPermissions(m_keptFile, QFile::ReadOwner | QFile::WriteOwner);
}

void ChatFiles::onModelReady() {
    const QString task = m_prompt->task();
    if (!std::exchange(m_restored, false) || !m_prompt->isConversation() || !m_prompt->isRefused(task)) return;
    const ChatTree& tree = *m_chat->tree();
    const QString path = QSettings().value("chat/model").toString();
    const QString name = shownLine(tree.turn(tree.tip()).modelName, kModelName);
    QVector<Banner::Offer> offers;
    QString text = name.isEmpty() ? tr("The model that is loaded cannot go on with it.")
                                  : tr("%1 wrote in it; the model that is loaded cannot go on with it.").arg(name);
    if (!path.isEmpty() && QFileInfo::exists(path))
        offers.push_back({tr("Open its model"), [this, path] { emit modelWanted(path); }});
    else text += tr(" Open one that can to go on.");
    m_banner->showNotice(tr("This is the conversation of the last time"), text, offers);
}

}  // namespace spanscope
