// The bar over a panel: its name and what hides it. Behind tabs the tab says the name, and the bar takes no room. GUI
// thread.
#pragma once

#include <QWidget>

class QDockWidget;
class QLabel;
class QToolButton;

namespace spanscope {

class DockTitle : public QWidget {
    Q_OBJECT
  public:
    DockTitle(const QString& title, QDockWidget* dock);
    void setSlim(bool slim);  ///< a tab names the panel
    bool isSlim() const { return m_slim; }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

  private:
    QLabel* m_label;
    QToolButton* m_close;
    bool m_slim = false;
};

}  // namespace spanscope
