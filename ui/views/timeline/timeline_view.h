// The run along time: a lane for the run, one more for a dense run beside it (the race), each step a block in the
// colour and pattern of its phase. Scrub, step, play at recorded speed; live and recorded are the same. GUI thread.
#pragma once

#include <QElapsedTimer>
#include <QTimer>
#include <QWidget>

#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/views/palette.h"
#include "ui/views/timeline/timeline_clock.h"

class QAction;
class QComboBox;
class QLabel;

namespace spanscope {

enum class TimelineAxis { Steps, Time };

/// The painted lanes; the view around it holds the controls.
class TimelineLanes : public QWidget {
    Q_OBJECT
  public:
    TimelineLanes(RunStore* store, RunStore* maybeDense, Selection* selection, QWidget* parent);
    void setAxis(TimelineAxis axis);
    TimelineAxis axis() const { return m_axis; }
    void setClock(int64_t ns, bool shown);  ///< the playhead; steps after it are drawn faint
    int64_t clockNs() const { return m_clockNs; }
    int64_t totalNs() const;
    const StepTimes& times() const { return m_times; }
    const StepTimes& denseTimes() const { return m_denseTimes; }
    void forget();  ///< another run is on show; refreshData() follows
    void refreshData();
    int stepAt(double x) const;                          ///< of the run's own lane
    static int laneHeight(const QFontMetrics& metrics);  ///< at least: a line of text
    double xOf(int step) const;
    QSize sizeHint() const override { return {600, 96}; }

  signals:
    void scrubbed(qint64 ns);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;

  private:
    struct Lane {
        const RunData* run;
        const StepTimes* times;
        const PhaseBlocks* blocks;
        const RejectedDrafts* rejected;
        QString name;
        QRectF rect;
    };
    std::vector<Lane> lanes() const;
    void paintLane(QPainter& painter, const Lane& lane, const Palette& palette) const;
    void scrub(double x, bool extend);
    double left() const { return 76; }

    RunStore *m_store, *m_dense;
    Selection* m_selection;
    StepTimes m_times, m_denseTimes;
    PhaseBlocks m_blocks, m_denseBlocks;
    RejectedDrafts m_rejected, m_denseRejected;
    TimelineAxis m_axis = TimelineAxis::Time;
    int64_t m_clockNs = 0;
    bool m_clockShown = false;
    bool m_pressed = false;
};

class TimelineView : public QWidget {
    Q_OBJECT
  public:
    TimelineView(RunStore* store, Selection* selection, QWidget* parent = nullptr)
        : TimelineView(store, nullptr, selection, parent) {}
    /// With a second lane: the race on one clock.
    TimelineView(RunStore* store, RunStore* maybeDense, Selection* selection, QWidget* parent = nullptr);

    bool isPlaying() const { return m_clock.isPlaying(); }
    TimelineLanes* lanes() const { return m_lanes; }
    const PlayClock& clock() const { return m_clock; }

  public slots:
    void togglePlay();
    void stepBy(int n, bool extend = false);
    void stepTo(int step, bool extend = false);
    void setSpeed(double speed);
    void setAxis(TimelineAxis axis);
    /// One frame of playing after `elapsedNs` of wall time (the timer calls it; tests may).
    void advance(qint64 elapsedNs);

  signals:
    void playingChanged(bool playing);

  protected:
    void keyPressEvent(QKeyEvent* event) override;

  private:
    void refresh();
    void showClock();
    void updateText();

    RunStore *m_store, *m_dense;
    Selection* m_selection;
    TimelineLanes* m_lanes;
    PlayClock m_clock;
    QTimer m_timer;
    QElapsedTimer m_elapsed;
    QAction *m_playAction, *m_stepsAction;
    QComboBox* m_speedBox;
    QLabel* m_text;
    bool m_selecting = false;
};

}  // namespace spanscope
