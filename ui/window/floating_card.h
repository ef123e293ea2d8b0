// A card over the window that leaves everything else usable: title, text, buttons, a way to close it. It is dragged by
// hand, stays inside the window, and is read out when its text changes.
#pragma once

#include <QFrame>

class QHBoxLayout;
class QLabel;
class QPushButton;

namespace spanscope {

class FloatingCard : public QFrame {
    Q_OBJECT
  public:
    explicit FloatingCard(QWidget* window);

    void setContent(const QString& title, const QString& richText);  ///< text: the program's own markup
    QString title() const;
    QString text() const;  ///< without markup

  public slots:
    void end();  ///< closes and deletes it

  signals:
    void ended();

  protected:
    /// A button at the right of the row, behind those before it.
    QPushButton* addButton(const QString& text, const QString& tip);
    void addToRow(QWidget* widget);
    QLabel* count() const { return m_count; }  ///< at the left of the row
    void showEvent(QShowEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void keepInside();

    QLabel *m_title, *m_text, *m_count;
    QHBoxLayout* m_row;
    QPoint m_grip;
    bool m_placed = false;  ///< by hand or at first: stays there
};

}  // namespace spanscope
