// A conversation with what stands around it: the system text, folded to one line, and the button that begins anew.
// GUI thread.
#pragma once

#include <QWidget>
#include <optional>

#include "ui/model/chat_tree.h"

class QAction;
class QCheckBox;
class QPlainTextEdit;
class QToolButton;

namespace spanscope {

class ChatView;
class FindBar;
class RunStore;
class WindowActions;

class ChatPanel : public QWidget {
    Q_OBJECT
  public:
    /// buttons: beside the system text.
    ChatPanel(ChatTree* tree, RunStore* store, const WindowActions& actions, const QVector<QAction*>& buttons,
              QWidget* parent);

    ChatView* view() const { return m_view; }
    QString systemText() const;
    /// A text that cannot be put in as it is, since it is too long or hides something, is left out.
    void setSystemText(const QString& text);
    QPlainTextEdit* systemEdit() const { return m_system; }
    void showSystemText(bool on);
    bool showsSystemText() const;
    /// The switch of templates that read enable_thinking, as they have it by themselves; absent: there is none.
    void offerThinking(std::optional<bool> byDefault);
    std::optional<bool> thinking() const;
    void openFind();
    void closeFind();

  signals:
    void refused(const QString& why);  ///< of a text that was pasted and not put in

  private:
    void refresh();

    ChatView* m_view;
    FindBar* m_find;
    QCheckBox* m_thinking;
    QToolButton* m_fold;
    QPlainTextEdit* m_system;
};

}  // namespace spanscope
