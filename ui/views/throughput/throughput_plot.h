// Draws throughput into a QCustomPlot it is given: rate above, KV tokens loaded below, one x axis. The view and the
// exports use the same one. GUI thread.
#pragma once

#include <QString>
#include <utility>

#include "engine/types/throughput_series.h"
#include "ui/views/palette.h"

class QCPAxis;
class QCPAxisRect;
class QCPGraph;
class QCPItemLine;
class QCPItemRect;
class QCPItemStraightLine;
class QCPItemText;
class QCPLegend;
class QCustomPlot;

namespace spanscope {

enum class ThroughputAxis { Context, Time };

/// laneNames() for the window.
std::pair<QString, QString> shownLaneNames(const RunData& first, const RunData* maybeSecond);

class ThroughputPlot {
  public:
    explicit ThroughputPlot(QCustomPlot* plot);  ///< owned by the caller, outlives this

    void setTheme(const Palette& palette, double fontPoints);
    void setAxis(ThroughputAxis axis) { m_axis = axis; }
    void setPredictionShown(bool on) { m_prediction = on; }
    /// What the two runs are called: their attention modes. "declared" and "dense" until it is said.
    void setLaneNames(const QString& first, const QString& second);
    /// Why there is no curve where a run is; else empty.
    const QString& note() const { return m_note; }
    /// Replaces all data; model may be invalid. Does not replot.
    void setData(const ThroughputSeries& declared, const ThroughputSeries& dense, const BytesModel& model);
    /// Marks steps [first, last] of `series`; -1 none. Does not replot.
    void setSelection(const ThroughputSeries& declared, int first, int last, bool locked);
    void fitRanges();
    /// Of the plot, in pixels. In little room the upper axes alone; labels and ticks are as many as there is room for.
    void setHeight(int height);
    /// Whether the legend says which curve is which run; false where something above it does.
    void setLanesNamed(bool on) { m_lanesNamed = on; }
    /// The step of `series` nearest to a pixel column of the plot, -1 if none.
    int stepAt(const ThroughputSeries& series, double pixelX) const;
    double pixelOf(const ThroughputPoint& point) const;

  private:
    double xOf(const ThroughputPoint& p) const { return m_axis == ThroughputAxis::Context ? p.context : p.timeS; }

    QCustomPlot* m_plot;
    QCPAxisRect *m_top, *m_bottom;
    QCPLegend *m_topLegend, *m_bottomLegend;
    bool m_low = false, m_lanesNamed = true;
    void setLow(bool low);
    void nameAxes();
    QCPGraph *m_declared, *m_dense, *m_predicted, *m_predictedDense, *m_ceiling;
    QCPGraph *m_causal, *m_loaded, *m_attended, *m_denseLoaded;
    QCPItemRect* m_band[2];
    QCPItemText* m_ceilingText;
    QString m_note;
    ThroughputAxis m_axis = ThroughputAxis::Context;
    bool m_prediction = true;
    double m_xMax = 1, m_yMax = 1, m_readMax = 1, m_xMin = 0;
};

}  // namespace spanscope
