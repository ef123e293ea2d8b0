// A conversation with what stands around it: the system text, folded to one line, and the button that begins anew.
// GUI thread.
#pragma once

#include <QWidget>

#include "ui/model/chat_tree.h"

class QAction;
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
    void openFind();
    void closeFind();

  signals:
    void refused(const QString& why);  ///< of a text that was pasted and not put in

  private:
    void refresh();

    ChatView* m_view;
    FindBar* m_find;
    QToolButton* m_fold;
    QPlainTextEdit* m_system;
};

}  // namespace spanscope
