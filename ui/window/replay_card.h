// A run told piece by piece in front of a class (ui/model/class_replay.h): the window shows as much of it as has been
// told. Space or Return tells the next piece; what a segment writes stays covered until it is asked for; or pieces come
// by themselves, so many a minute. Closing it shows the whole run again.
#pragma once

#include <QTimer>

#include "ui/model/class_replay.h"
#include "ui/model/payloads.h"
#include "ui/window/floating_card.h"

class QPushButton;
class QSpinBox;

namespace spanscope {

class Workspace;

class ReplayCard : public FloatingCard {
    Q_OBJECT
  public:
    /// run: finished, with stops.
    ReplayCard(Workspace* workspace, const SharedRun& run, QWidget* window);
    int told() const { return m_told; }  ///< pieces
    int nPieces() const { return static_cast<int>(m_stops.size()); }

  public slots:
    void next();
    void back();
    void setPlaying(bool playing);

  protected:
    void keyPressEvent(QKeyEvent* event) override;

  private:
    void tell(int nPieces);
    void refresh();
    void showWhole();

    Workspace* m_workspace;
    SharedRun m_run;
    std::vector<ReplayStop> m_stops;
    int m_told = 0;
    bool m_mine = false;  ///< what happens to the run on show is this card's doing
    QTimer m_timer;
    QSpinBox* m_speed;
    QPushButton *m_play = nullptr, *m_back = nullptr, *m_next = nullptr;
};

}  // namespace spanscope
