// The conversation as a file: saved and opened by a person, kept at the program's end and there again at its next
// start. GUI thread.
#pragma once

#include "ui/model/chat_file.h"
#include "ui/window/workspace.h"

class QWidget;

namespace spanscope {

class Banner;
class ChatController;
class ChatPanel;
class PromptEditor;

class ChatFiles : public QObject {
    Q_OBJECT
  public:
    /// keptFile: that of the next start; empty: none is kept. window: of the dialogs.
    ChatFiles(Workspace* workspace, ChatController* chat, ChatPanel* panel, PromptEditor* prompt, Banner* banner,
              const QString& keptFile, QWidget* window);

    void choose();
    void open(const QString& path);  ///< takes the place of the conversation there is
    void save();                     ///< asks where
    void saveAs(const QString& path);

    /// What was kept. A file that cannot be read is put aside, and the window says so. True: the conversation was on
    /// show when the program ended, and is again.
    bool restore();
    void keep();

  public slots:
    void onModelReady();  ///< says so once where a restored conversation cannot go on with this model

  signals:
    void modelWanted(const QString& path);

  private:
    ChatFile snapshot() const;
    void show(const ChatFile& chat);

    Workspace* m_workspace;
    ChatController* m_chat;
    ChatPanel* m_panel;
    PromptEditor* m_prompt;
    Banner* m_banner;
    QString m_keptFile;
    QWidget* m_window;
    bool m_restored = false;  ///< and no model has been ready since
};

}  // namespace spanscope
