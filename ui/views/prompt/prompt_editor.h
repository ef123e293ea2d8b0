// Where a person types the problem: task, samples, text, and what is wrong with it, under the place it is wrong. Of a
// conversation the text is the next message.
#pragma once

#include <QHash>
#include <QWidget>

#include "ui/model/payloads.h"

class QAction;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QMenu;
class QPlainTextEdit;
class QToolButton;
class QVBoxLayout;

namespace spanscope {

class PromptText;

class PromptEditor : public QWidget {
    Q_OBJECT
  public:
    PromptEditor(const QVector<TaskInfo>& tasks, QWidget* parent);

    /// Task and samples. A row of this widget, until somebody puts it into another layout of the window.
    QWidget* head() const { return m_head; }
    /// Below the text of a conversation: at the left and at the right.
    void setConversationButtons(const QVector<QAction*>& left, const QVector<QAction*>& right);

    QString task() const;  ///< name
    bool isConversation() const { return current() && current()->isConversation; }
    /// An input method has letters that are not in the text yet.
    bool isComposing() const;
    QString text() const;  ///< whole, whatever of it is on show
    void setTask(const QString& name);
    /// A text that takes long to lay out (a line of 10,000 characters, 100,000 in all), or whose characters hide, is
    /// shown in part and as shownText() writes it; it cannot be changed then, only replaced.
    void setText(const QString& text);
    bool isShownInPart() const { return !m_whole.isNull(); }
    /// The problem of the run on show takes the place of a sample or of another run's; what a person typed and has not
    /// run stays.
    void offer(const QString& task, const QString& text);
    /// `text` is kept elsewhere, as a run's problem: it may be replaced.
    void setKept(const QString& text) { m_kept = text; }
    void useSample(int index);
    int nSamples() const;
    /// Tasks that the model was not trained for are marked; empty: nothing is known. refused: those that it cannot be
    /// given, by name, and why; they cannot be chosen.
    void setTrainedTasks(const QStringList& names, const QHash<QString, QString>& refused = {});
    bool isRefused(const QString& task) const { return m_refused.contains(task); }
    QString conversationTask() const;  ///< name; empty: there is none
    /// A conversation that has turns can be looked at with any model, also where it cannot go on.
    void setConversationBegun(bool begun);
    const TaskInfo* info(const QString& task) const;  ///< nullptr: there is none
    const QVector<TaskInfo>& tasks() const { return m_tasks; }
    void showError(const ErrorInfo& error);
    void showWarning(const QString& warning);
    void clearMessage();
    /// For the text, up to so many lines that the rest of the window keeps its room, and what is said below it.
    int wantedHeight() const;

    QComboBox* taskBox() const { return m_task; }
    QPlainTextEdit* edit() const;
    void focusText();  ///< to go to the problem is to go to its text
    QToolButton* samplesButton() const { return m_samples; }

  signals:
    void edited();
    void taskChosen(const QString& name);  ///< by a person, or with the problem of a run
    void taskShown(const QString& name);   ///< however it came to be
    void heightWanted();                   ///< wantedHeight() may have changed

  protected:
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

  private:
    const TaskInfo* current() const;
    /// Typed by a person, and no sample and no run's problem.
    bool isOwn(const QString& text) const;
    /// What the next key replaces, unless it is a person's own: such a text is gone on with at its end.
    void put(const QString& text);
    void onTaskChanged();
    void fillSamples();
    void updateHeight();
    int heightOf(int nLines) const;  ///< of the text
    void enableTasks();
    void insert(const QString& text);  ///< pasted or dropped

    QVector<TaskInfo> m_tasks;
    QHash<QString, QString> m_refused;
    QWidget* m_head;
    QLabel* m_caption;
    QComboBox* m_task;
    QToolButton* m_samples;
    QMenu* m_menu;
    PromptText* m_edit;
    QLabel* m_message;
    QWidget* m_chatRow;
    QHBoxLayout* m_chatButtons;
    QVBoxLayout* m_column = nullptr;
    QWidget* m_partRow;  ///< says that the text is shown in part
    QLabel* m_part;
    QString m_whole;                   ///< null: the editor has all of it
    QHash<QString, QString> m_drafts;  ///< what was typed for a task comes back with it
    QString m_shownTask;
    bool m_conversationBegun = false;
    QString m_kept;
};

}  // namespace spanscope
