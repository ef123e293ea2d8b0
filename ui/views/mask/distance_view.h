// How far two runs are from dense attention, step by step: the share of the dense attention mass that each kept, and
// the KL divergence of its next token. Measured once the runs have ended, by whoever hears measureRequested(); until
// then it says so. GUI thread.
#pragma once

#include <QWidget>

#include "ui/model/run_comparison.h"
#include "ui/model/run_distances.h"

class QLabel;
class QToolButton;

namespace spanscope {

class DistancePlot;

class DistanceView : public QWidget {
    Q_OBJECT
  public:
    DistanceView(RunComparison* comparison, RunDistances* distances, QWidget* parent = nullptr);
    QWidget* plot() const;
    QString summary() const;  ///< what is shown, or why nothing is, in a sentence or two
    QSize sizeHint() const override { return {520, 300}; }
    /// Of the runs on show; null: not measured.
    const DivergenceCurve* first() const { return curveOf(m_first); }
    const DivergenceCurve* second() const { return curveOf(m_second); }

  signals:
    void measureRequested();
    void stopRequested();

  private:
    const DivergenceCurve* curveOf(RunStore* store) const;
    void refresh();

    RunComparison* m_comparison;
    RunDistances* m_distances;
    RunStore *m_first, *m_second;
    QLabel* m_text;
    QToolButton* m_button;  ///< measures, or stops that
    DistancePlot* m_plot;
};

}  // namespace spanscope
