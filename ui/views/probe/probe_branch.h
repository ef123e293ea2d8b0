// What a person can let a run go on with from a step: one of the likeliest tokens, or text that they type. GUI thread.
#pragma once

#include <QWidget>

class QLineEdit;
class QPushButton;
class QTableWidget;

namespace spanscope {

struct StepProbe;

class ProbeBranch : public QWidget {
    Q_OBJECT
  public:
    /// choices: the likeliest next tokens, dense in columns 0 and 1, under the span in 2 and 3.
    ProbeBranch(QTableWidget* choices, QWidget* parent);

    /// Whose next token it is about; null: of nothing.
    void setProbe(const StepProbe* probe);

  signals:
    void tokenChosen(int step, int id);
    void textTyped(int step, const QString& text);

  private:
    int chosenId() const;  ///< of the table's current cell, -1 where there is none
    void goOn();
    void refresh();

    QTableWidget* m_choices;
    QLineEdit* m_text;
    QPushButton* m_goOn;
    const StepProbe* m_probe = nullptr;
};

}  // namespace spanscope
