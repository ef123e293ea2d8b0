// Three steps over the window: dims everything but one place and says what it shows. Esc or Skip ends it.
#pragma once

#include <QPointer>
#include <QVector>
#include <QWidget>
#include <functional>

class QLabel;
class QPushButton;

namespace spanscope {

class Tour : public QWidget {
    Q_OBJECT
  public:
    struct Stop {
        QPointer<QWidget> target;
        QString title, text;
        std::function<void()> prepare;  ///< before it is shown; may be empty
    };
    Tour(const QVector<Stop>& stops, QWidget* window);
    int current() const { return m_current; }
    int count() const { return static_cast<int>(m_stops.size()); }

  public slots:
    void next();
    void back();
    void end();

  signals:
    void ended();

  protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;
    bool focusNextPrevChild(bool next) override;  ///< Tab goes round inside: below is nothing to be reached
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void show_(int index);
    QRect hole() const;
    void placeCard();

    QVector<Stop> m_stops;
    int m_current = -1;
    QWidget* m_card;
    QLabel *m_title, *m_text, *m_count;
    QPushButton *m_back, *m_next, *m_skip;
};

}  // namespace spanscope
