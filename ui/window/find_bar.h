// The bar to find text in: what is looked for, how many places there are, the way to the next. Whoever puts it up does
// the looking. GUI thread.
#pragma once

#include <QWidget>

class QLabel;
class QLineEdit;

namespace spanscope {

class WindowActions;

class FindBar : public QWidget {
    Q_OBJECT
  public:
    /// name: of the text field, "...Edit", as an object. The buttons are the actions findPrevious, findNext and
    /// closeFind.
    FindBar(const QString& name, const QString& placeholder, const WindowActions& actions, QWidget* parent);

    void open();   ///< and gives the field the keyboard
    void close();  ///< nothing is looked for any more
    void setCount(int n);
    QString text() const;

  signals:
    void searched(const QString& text);  ///< empty: nothing
    void nextWanted();
    void left();  ///< closed by the keyboard, which goes back to the text

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    QLineEdit* m_edit;
    QLabel* m_count;
};

}  // namespace spanscope
