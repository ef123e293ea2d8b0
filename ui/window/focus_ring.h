// Shows where the keyboard is: a frame over a view that paints none itself, while it has the focus by Tab or by a
// shortcut. A click needs no frame; the pointer shows the place.
#pragma once

#include <QWidget>

namespace spanscope {

class FocusRing : public QWidget {
    Q_OBJECT
  public:
    explicit FocusRing(QWidget* around);  ///< its parent

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
};

}  // namespace spanscope
