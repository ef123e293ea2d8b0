// The picture of reach as a widget. GUI thread.
#pragma once

#include <QWidget>

#include "ui/views/reach/reach_plot.h"

namespace spanscope {

class ReachStrip : public QWidget {
    Q_OBJECT
  public:
    ReachStrip(const RunData& run, const Reach& reach, const std::vector<ReachRow>& rows, QWidget* parent);
    void refresh();  ///< after what it was given changed

  signals:
    void hovered(int position);  ///< -1: none any more

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;

  private:
    ReachPlot plot() const;
    const RunData& m_run;
    const Reach& m_reach;
    const std::vector<ReachRow>& m_rows;
};

}  // namespace spanscope
