// The text field of the problem: numbers before its lines where a problem refers to them, a mark on the line that is
// wrong. Tells who owns it what is pasted or dropped: a text may be too long to be put in as it is. GUI thread.
#pragma once

#include <QPlainTextEdit>
#include <functional>

namespace spanscope {

class PromptText : public QPlainTextEdit {
    Q_OBJECT
  public:
    explicit PromptText(QWidget* parent);

    std::function<void(const QString&)> inserted;
    bool isComposing() const { return m_composing; }  ///< an input method has letters that are not in the text yet

    void setNumbered(bool on);
    bool isNumbered() const { return m_numbered; }
    /// Counted from 1; column 0: the line alone. Takes the cursor there.
    void markError(int line, int column);
    void clearError();
    int errorLine() const { return m_errorLine; }  ///< -1: none

  protected:
    void inputMethodEvent(QInputMethodEvent* event) override;
    void insertFromMimeData(const QMimeData* source) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;

  private:
    class Numbers;
    int numbersWidth() const;
    void fitNumbers();
    void paintNumbers(QPainter& painter, const QRect& area);

    Numbers* m_numbers;
    bool m_numbered = false, m_composing = false;
    int m_errorLine = -1;
};

}  // namespace spanscope
